"""Trains a network for one style or many, and measures the result."""
