"""Image files: what is read, written, listed, and how it is stored."""
