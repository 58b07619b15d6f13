"""What is measured about heatmaps: every measure is a class in a module of its own."""
