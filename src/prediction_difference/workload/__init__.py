"""How much work a configuration is, how far it is, and what a run did."""
