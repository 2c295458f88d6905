"""One third-party library a file."""
