"""What ingest speaks to: FFmpeg and the local disk, one a file."""
