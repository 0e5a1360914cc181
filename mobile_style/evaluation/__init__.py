"""How near a network comes to its content and its style."""
