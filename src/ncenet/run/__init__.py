"""A run's home on disk: its folder, its records, its held-out set, and what they say of how it goes."""
