"""How the Hub's tables came to be what they are, version by version."""
