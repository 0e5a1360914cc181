"""Running a trained network by LiteRT: its graph, the files that hold it, and pictures of any size."""
