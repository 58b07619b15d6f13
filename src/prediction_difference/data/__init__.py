"""Stage 1: datasets from bundled, simulated or a user's own files."""
