"""Training a network for one style, and measuring what it reaches."""
