"""Stage 5: how good heatmaps are, in numbers."""
