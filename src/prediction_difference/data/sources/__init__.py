"""Where images come from: every source is a class in a module of its own."""
