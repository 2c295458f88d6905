"""What each camera is asked to do."""
