"""Trained models outside of a run: load, score, export."""
