"""The use cases: plan a search, search a stretch of the log, search each clip as it comes."""
