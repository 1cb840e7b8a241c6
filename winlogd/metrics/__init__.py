"""Figures for monitoring, as text that Prometheus reads; pure, but for those of the process."""
