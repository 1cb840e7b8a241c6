"""Questions about the past and today: a thread and a connection of their own, which never write the database."""
