"""Heads, backbones and the network that joins them."""
