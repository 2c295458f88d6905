"""Third-party libraries, one a file; their errors stop here."""
