"""What the server does by itself at its time."""
