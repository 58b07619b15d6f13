"""Stage 7: the page that shows everything a run has made."""
