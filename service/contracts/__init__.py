"""What others may rely on: schemas of events and outcomes, and the AsyncAPI document of both."""
