"""How each camera's recording goes."""
