"""The rules: pure decisions over a loaded book, without I/O and without a clock."""
