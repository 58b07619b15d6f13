"""Stage 4: heatmaps, by prediction difference analysis and by the methods it is compared with."""
