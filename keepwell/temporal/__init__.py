"""Reaching a Temporal server: the embedded one of a home, or the one the environment names."""
