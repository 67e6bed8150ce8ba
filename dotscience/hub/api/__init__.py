"""The REST API: each module turns requests into calls of services, and answers into JSON."""
