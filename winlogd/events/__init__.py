"""What a workstation says."""
