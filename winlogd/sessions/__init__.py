"""The rules of sessions: what follows from events, without SQL, clock or I/O."""
