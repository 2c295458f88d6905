"""Events that follow from a committed transaction."""
