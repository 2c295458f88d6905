"""Who records which camera, and who may tell of it."""
