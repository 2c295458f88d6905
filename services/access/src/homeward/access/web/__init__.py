"""HTTP: what every page and every answer of the API shares."""
