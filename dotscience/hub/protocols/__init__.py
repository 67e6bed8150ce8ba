"""What other clients speak on the wire."""
