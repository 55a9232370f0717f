"""``python -m ncenet``."""

from ncenet.cli import main

main()
