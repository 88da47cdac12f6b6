"""Drawings of the documentation, made by the code that they explain."""
