"""Where a report goes: one file a format."""
