"""The vocabulary: what a run record is made of, and its wire forms. No I/O happens here."""
