"""The web pages: each module turns requests into calls of services, and answers into HTML."""
