"""Synthetic noise, weather and light with explicit randomness."""
