"""What a training will aim at, shown before it begins."""
