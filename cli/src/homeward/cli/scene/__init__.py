"""Video of walking people, composed from portraits, with exact truth about who is where and when."""
