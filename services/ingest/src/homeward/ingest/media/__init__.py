"""What becomes of packets: time stamps, cuts, times, and the account of a camera's time."""
