"""Finds faces in clips and keeps the best few crops of each."""
