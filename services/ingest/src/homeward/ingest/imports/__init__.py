"""Footage that was recorded earlier."""
