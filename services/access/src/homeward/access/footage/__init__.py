"""Cameras, their coverage, and who may look at what."""
