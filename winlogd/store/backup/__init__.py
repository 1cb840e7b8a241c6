"""Whole copies of the database and of `winlog.access`: made, checked, named by date, and put back."""
