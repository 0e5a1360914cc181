"""The network: its shape, its weights, the files that hold them, and where models are."""
