"""One file an extractor; each is found by being there."""
