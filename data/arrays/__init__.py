"""Arrays of any axes and dtype as planes (N, C, H, W), and what is done to planes."""
