"""Postgres and nothing else: one function, one statement."""
