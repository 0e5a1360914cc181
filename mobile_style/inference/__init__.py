"""Runs a trained network with LiteRT: its graph, the files that hold it, and pictures of any size."""
