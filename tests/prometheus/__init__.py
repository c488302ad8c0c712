"""A real Prometheus, and its promtool, for tests."""
