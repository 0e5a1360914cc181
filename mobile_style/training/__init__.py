"""Trains a network for one style or many."""
