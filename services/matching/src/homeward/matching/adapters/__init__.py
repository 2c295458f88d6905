"""The world outside, one library a file; each library's errors stop here."""
