"""Tests, sorted by what they cost."""
