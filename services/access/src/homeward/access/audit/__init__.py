"""The log of who did what, which an outsider can verify."""
