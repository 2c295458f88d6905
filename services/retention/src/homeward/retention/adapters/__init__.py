"""One third-party library a file; its exceptions stop here."""
