"""Where the commands print: text as it is, whatever stands in it.

Paths, ids, class names and what other programs say are other people's text. Brackets in it are no styles,
``:cat:`` is no picture, and an escape sequence moves no cursor and renames no window.
"""

from __future__ import annotations

import re
from typing import Any

from rich.console import Console
from rich.text import Text

# Control characters besides tab and newline, marks that turn the direction of writing, and the halves of
# characters by which Python stands in for bytes of a file name that are no text.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    r"""The text, with characters that would do something instead of being seen in their Python spelling.

    >>> visible("a[/]b :cat: \x1b[2J")
    'a[/]b :cat: \\x1b[2J'
    """
    return _UNSEEN.sub(lambda found: ascii(found[0])[1:-1], text)


def plain_console(*, stderr: bool = False, wrap: bool = False) -> Console:
    """A console that interprets no text; what is to look different is given a ``style``.

    Args:
        stderr: print to standard error.
        wrap: break lines at the width of the terminal, as tables need it.
    """
    return _Plain(stderr=stderr, soft_wrap=not wrap, markup=False, emoji=False, highlight=False)


class _Plain(Console):
    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(visible(text), **options)
