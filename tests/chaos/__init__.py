"""Breaks a whole installation under load, again and again, and then counts what is left."""
