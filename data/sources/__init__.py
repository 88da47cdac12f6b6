"""What training draws from: sources of images, random crops, batches prepared ahead, packed files."""
