"""Heatmap methods: every method is a class in a module of its own."""
