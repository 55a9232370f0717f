"""What a report draws: one file a figure."""
