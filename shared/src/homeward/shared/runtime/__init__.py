"""The consumer runtime: fetch, decode, handle, produce and await delivery, commit."""
