"""Load: wrk for a closed loop on kept connections, and two small generators of our own for what wrk cannot do.

Each runs as a process of its own on the load's core, prints one line of JSON, and ends.
"""
