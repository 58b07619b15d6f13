"""What papers say of their maps: every claim is a class in a module of its own."""
