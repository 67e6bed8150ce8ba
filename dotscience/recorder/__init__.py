"""What lives in the user's process: the recorder and its runs. Standard library only, no work at import."""
