"""Distributions over patches: every kind is a class in a module of its own."""
