"""Long work on the database, in steps between the batches of events."""
