"""The endpoints: one file each (or a family), and the route table in one place."""
