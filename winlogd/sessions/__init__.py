"""What follows from events, without SQL, clock or I/O."""
