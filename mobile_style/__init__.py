"""Fast neural style transfer for phones: train, stylise, evaluate."""
