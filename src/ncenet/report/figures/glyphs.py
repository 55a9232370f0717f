"""Characters that the font of figures has not: another font of this machine draws them, where one has them.

Names of arms, classes and sets are in any script, and the font that comes with matplotlib knows none of East
Asia.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from ncenet.errors import MissingGlyphs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NO_LETTERS = ("Last Resort", "Emoji")
"""Parts of the names of fonts that draw no character of a name: boxes, or pictures that can't be scaled."""


@contextmanager
def with_glyphs(figure: Figure, *, told: bool) -> Iterator[None]:
    """Within the block a figure can be drawn with whatever characters its texts have.

    Args:
        figure: whose texts name a second font, where the first lacks some.
        told: say once that characters are drawn as boxes because no font has them. In an SVG text stays text,
            and who shows it has other fonts.
    """
    from matplotlib.text import Text

    texts = [text for text in figure.findobj(Text) if isinstance(text, Text)]
    lacking = _lacking(frozenset("".join(text.get_text() for text in texts)))
    families, left = _families(lacking) if lacking else ((), lacking)
    if families:
        for text in texts:
            if not lacking.isdisjoint(text.get_text()):
                text.set_fontfamily([*dict.fromkeys((*text.get_fontfamily(), *families))])
    with warnings.catch_warnings():
        if left:
            warnings.filterwarnings("ignore", r"(?s)Glyph .* missing from", UserWarning)
            warnings.filterwarnings("ignore", "Matplotlib currently does not support", UserWarning)
        yield
    if left and told:
        _say_once()


def _lacking(characters: frozenset[str]) -> frozenset[str]:
    """Those that the font of figures has not."""
    beyond = frozenset(c for c in characters if not (c.isascii() or c.isspace()))
    if not beyond:
        return beyond
    from matplotlib.font_manager import FontProperties, findfont, get_font

    font = get_font(findfont(FontProperties()))
    return frozenset(c for c in beyond if not font.get_char_index(ord(c)))


@cache
def _families(lacking: frozenset[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    """Families of this machine that have some characters, each as many as it can; and what none has."""
    from matplotlib.font_manager import fontManager
    from matplotlib.ft2font import FT2Font

    files = {
        font.name: font.fname
        for font in reversed(fontManager.ttflist)
        if font.style == "normal" and not any(part in font.name for part in _NO_LETTERS)
    }
    has: dict[str, frozenset[str]] = {}
    for name in sorted(files, key=lambda name: ("Sans" not in name and "Gothic" not in name, name)):
        try:
            font = FT2Font(files[name])
        except (OSError, RuntimeError):  # a font that can't be read draws nothing
            continue
        has[name] = frozenset(c for c in lacking if font.get_char_index(ord(c)))
    found: list[str] = []
    while has and has[best := max(has, key=lambda name: len(has[name] & lacking))] & lacking:
        found.append(best)
        lacking -= has[best]
    return tuple(found), lacking


@cache
def _say_once() -> None:
    warnings.warn(
        "no font of this machine has all characters of the names: figures in PNG show boxes in their place; "
        "install one that has, such as Noto Sans CJK for Chinese, Japanese and Korean",
        MissingGlyphs,
        stacklevel=4,
    )
