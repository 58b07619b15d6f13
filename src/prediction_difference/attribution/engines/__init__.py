"""Engines: ways to find the expected value of nodes when windows are unknown."""
