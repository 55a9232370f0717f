"""Where trials run: processes on this machine, or a Ray cluster."""
