"""Logs, metrics and traces that hold no person."""
