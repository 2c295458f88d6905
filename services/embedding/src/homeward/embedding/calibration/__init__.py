"""How much the scores of an embedder are worth, measured on pairs of photos."""
