"""Stage 6: pictures of heatmaps and curves, each with the numbers that it shows."""
