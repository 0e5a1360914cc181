"""Whether an exported file still paints what the float network paints."""
