"""Secrets that let somebody in: made by us, kept in files that only their owner reads, and never empty."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from ncenet.errors import UsageError
from ncenet.files import whole

BYTES = 24
"""Of a secret that is made here: 192 bits."""
_SOUND = re.compile(r"[A-Za-z0-9_-]{20,}")


def make() -> str:
    """A new secret, of letters that any address can hold."""
    return secrets.token_urlsafe(BYTES)


def checked(secret: object, where: str) -> str:
    """The secret, if it is one: a full disk or an editor may have left less, and nothing lets everybody in.

    Args:
        secret: what was read.
        where: from where, for the message.

    Raises:
        UsageError: it is none.

    >>> checked("", "page-token")
    Traceback (most recent call last):
    ...
    ncenet.errors.UsageError: page-token holds no token but 0 characters: remove it, and another is made
    """
    if isinstance(secret, str) and _SOUND.fullmatch(secret):
        return secret
    found = f"{len(secret)} characters" if isinstance(secret, str) else f"a {type(secret).__name__}"
    raise UsageError(f"{where} holds no token but {found}: remove it, and another is made")


def same(given: str | None, secret: str) -> bool:
    """Whether what somebody gave is the secret; nothing is never the same, not even as nothing."""
    return bool(given) and bool(secret) and secrets.compare_digest((given or "").encode(), secret.encode())


def write_private(file: Path, text: str) -> None:
    """Write a file whole or not at all that nobody but its owner can read, at any moment."""
    with whole(file) as partial:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as out:
            out.write(text)
