"""Synthetic noise and rain with explicit randomness."""
