"""What every Homeward service stands on."""
