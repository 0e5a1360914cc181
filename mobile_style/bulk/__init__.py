"""Painting more than one process should: on every core, on many machines, and again from where it stopped."""
