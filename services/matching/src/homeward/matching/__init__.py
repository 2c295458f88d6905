"""Searches recordings and live cameras for the one person of an authorisation."""
