"""The generators of load: wrk for a closed loop on kept connections, and two small ones for the loads that wrk lacks.

Each generator runs as a process of its own on the load's core, prints one line of JSON, and ends.
"""
