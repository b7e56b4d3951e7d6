"""Tunesmith: teach it your songs; it writes new ones."""

__version__ = "0.1.0"
