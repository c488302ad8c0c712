"""Records in: poll, decode, one transaction, hand over."""
