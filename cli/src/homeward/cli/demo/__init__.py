"""The demonstration: its photos, its scene, and what was found against what is true."""
