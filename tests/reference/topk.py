"""Top-k by sorting everything."""

from collections.abc import Callable, Mapping


def top_k(scores: Mapping[str, float], k: int, lots: Callable[[str], bytes]) -> list[str]:
    """Best first, ties by lot."""
    return sorted(scores, key=lambda name: (-scores[name], lots(name)))[:k]
