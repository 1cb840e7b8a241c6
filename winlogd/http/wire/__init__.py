"""The bytes of HTTP/1.1 as values, and values as bytes: no socket, no clock."""
