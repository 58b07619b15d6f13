"""`python -m prediction_difference` is the command line."""

from prediction_difference.cli import main

main()
