"""One part against a real server."""
