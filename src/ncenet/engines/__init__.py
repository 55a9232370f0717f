"""Where trials run: processes on this machine."""
