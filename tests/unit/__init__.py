"""No I/O: milliseconds."""
