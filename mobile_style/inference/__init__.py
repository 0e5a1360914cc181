"""The network as LiteRT runs it: neither TensorFlow nor Keras."""
