"""Stage 8: how fast and how exact the engines are, beside what others do."""
