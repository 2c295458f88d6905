"""Objects in S3: one port, two adapters, one suite for both."""
