"""Top-k by sorting everything."""

from collections.abc import Mapping


def top_k(scores: Mapping[str, float], k: int) -> list[str]:
    """Best first, ties by id."""
    return sorted(scores, key=lambda name: (-scores[name], name))[:k]
