"""Degraded and clean images that belong together."""
