"""Models that learn from a labelled set and predict on a pool."""
