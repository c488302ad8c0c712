"""Whole processes against a real Postgres and a real Kafka."""
