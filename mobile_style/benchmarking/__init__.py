"""How long models take on a device."""
