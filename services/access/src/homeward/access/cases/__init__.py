"""Requests: who asks for what, why, until when, and who agreed."""
