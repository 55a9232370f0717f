"""Doors to the network: secrets, names, sizes and patience of everything of ours that listens."""
