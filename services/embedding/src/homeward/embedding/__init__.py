"""The embedding service: face templates, inside a live authorisation alone."""
