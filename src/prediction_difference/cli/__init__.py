"""The command line: one subcommand per stage, which the workflow's rules call."""

from prediction_difference.cli.main import main

__all__ = ["main"]
