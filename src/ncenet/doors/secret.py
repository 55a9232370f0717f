"""Secrets that let somebody in: made by us, kept in files that only their owner reads, and never empty."""

from __future__ import annotations

import os
import re
import secrets
import stat
import tempfile
from pathlib import Path

from ncenet.errors import UsageError
from ncenet.files import whole

BYTES = 24
"""Of a secret that is made here: 192 bits."""
_SOUND = re.compile(r"[A-Za-z0-9_-]{20,}")


def make() -> str:
    """A new secret, of letters that any address can hold."""
    return secrets.token_urlsafe(BYTES)


def checked_secret(secret: object, where: str) -> str:
    """The secret, if it is one: a full disk or an editor may have left less, and nothing lets everybody in.

    Args:
        secret: what was read.
        where: from where, for the message.

    Raises:
        UsageError: it is none.

    >>> checked_secret("", "page-token")
    Traceback (most recent call last):
    ...
    ncenet.errors.UsageError: page-token holds no token but 0 characters: remove it, and another is made
    """
    if isinstance(secret, str) and _SOUND.fullmatch(secret):
        return secret
    found = f"{len(secret)} characters" if isinstance(secret, str) else f"a {type(secret).__name__}"
    raise UsageError(f"{where} holds no token but {found}: remove it, and another is made")


def check_private(file: Path) -> None:
    """Make sure that nobody but its owner can read a file, as after it was copied from elsewhere.

    Raises:
        UsageError: others can, on a file system that could keep them from it.
    """
    mode = stat.S_IMODE(file.stat().st_mode)
    if os.name == "nt" or not mode & 0o077 or not keeps_modes(file.parent):
        return
    raise UsageError(
        f"{file}: other users of this machine can read it (mode {mode:o}), and whoever has read it gets in: "
        "remove it for a new secret"
    )


def keeps_modes(folder: Path) -> bool:
    """Whether a file of mine in this folder is mine alone; on some disks all files are everybody's."""
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            return not os.fstat(probe.fileno()).st_mode & 0o077
    except OSError:
        return True


def same(given: str | None, secret: str) -> bool:
    """Whether what somebody gave is the secret; nothing is never the same, not even as nothing."""
    return bool(given) and bool(secret) and secrets.compare_digest((given or "").encode(), secret.encode())


def write_private(file: Path, text: str) -> None:
    """Write a file whole or not at all that nobody but its owner can read, at any moment."""
    with whole(file) as partial:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as out:
            out.write(text)
