"""A query from files of scores, ours or anybody's: exact, streaming, with quotas and diversity."""
