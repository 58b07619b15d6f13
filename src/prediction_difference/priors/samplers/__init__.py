"""Samplings: a class each, found by lying here."""
