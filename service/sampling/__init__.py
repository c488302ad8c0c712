"""What a worker samples in the background, on a connection of its own."""
