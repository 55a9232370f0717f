"""ncenet tells which images to label next."""

__version__ = "0.1.0"
