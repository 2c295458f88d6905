"""The key that signs authorisations."""
