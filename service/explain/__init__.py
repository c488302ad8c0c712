"""What happened to an admission, and why: read, put in order, and told in plain lines."""
