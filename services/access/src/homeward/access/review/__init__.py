"""Sightings and what reviewers say of them."""
