"""The words: events, outcomes, reservations, stock and reasons."""
