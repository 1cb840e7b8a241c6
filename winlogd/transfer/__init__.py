"""Tables as text for other programs: CSV and newline-delimited JSON."""
