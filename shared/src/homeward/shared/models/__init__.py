"""The models that Homeward uses: what they are, where they come from, and that each is the one it says."""
