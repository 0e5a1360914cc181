"""From a trained network to files that phones run."""
