"""What a run makes: derived once from its configuration, and read by all who ask for it."""
