"""Where networks of other people come from: plain names of timm, unless the user says otherwise.

A recipe or a model file may come from a stranger, and what it names is opened on this machine. A plain name
is a network that timm builds itself. ``hf-hub:OWNER/NAME`` reaches for the network and ``local-dir:FOLDER``
reads a folder, so such names count only where the user typed them.
"""

from __future__ import annotations

import os
import re
import socket
import threading
from urllib.parse import urlsplit
from urllib.request import getproxies

from ncenet.errors import UsageError

PLAIN = re.compile(r"[A-Za-z0-9_.-]+")
SECONDS = 5.0
"""How long the server of weights may take to be found."""
_TRUSTED = "NCENET_TRUSTED_BACKBONES"
# In the environment, for the processes that train are started by this one.


def trust(name: str) -> None:
    """Remember that the user named this backbone, such as ``timm:hf-hub:OWNER/NAME``, on the command line."""
    trusted = os.environ.get(_TRUSTED, "").split("\n")
    os.environ[_TRUSTED] = "\n".join(dict.fromkeys([*filter(None, trusted), name]))


def check_source(name: str, *, field: str = "model.backbone") -> None:
    """Make sure that a network of timm is a plain name, or one that the user typed.

    Args:
        name: with ``timm:`` before it.
        field: of the recipe, which names it.

    Raises:
        UsageError: it is neither.

    >>> check_source("timm:resnet50.a1_in1k")
    >>> check_source("timm:hf-hub:somebody/model")
    Traceback (most recent call last):
    ...
    ncenet.errors.UsageError: model.backbone: timm:hf-hub:somebody/model is no plain name of a timm model, and may reach for the network or read a folder: if you trust it, name it on the command line
    """  # noqa: E501 - a message is one line
    if PLAIN.fullmatch(name.removeprefix("timm:")) or name in os.environ.get(_TRUSTED, "").split("\n"):
        return
    raise UsageError(
        f"{field}: {name[:200]} is no plain name of a timm model, and may reach for the network or "
        "read a folder: if you trust it, name it on the command line"
    )


def check_reachable(what: str, url: str, *, instead: str = "leave `model.pretrained` away") -> None:
    """Make sure that a server can be reached before a library tries again and again.

    Args:
        what: is wanted from there, for the message.
        url: of the server.
        instead: what else can be done, for the message.

    Raises:
        UsageError: it can't be reached.
    """
    parts = urlsplit(getproxies().get("https") or url)
    why: list[str] = []

    def connect() -> None:
        try:
            port = parts.port or (80 if parts.scheme == "http" else 443)
            socket.create_connection((parts.hostname or "", port), timeout=SECONDS).close()
        except (OSError, ValueError) as error:
            why.append(str(error))

    # A thread, for looking up a name knows no time limit.
    thread = threading.Thread(target=connect, daemon=True)
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        why.append("HF_HUB_OFFLINE is set")
    else:
        thread.start()
        thread.join(SECONDS + 1)
    if why or thread.is_alive():
        raise UsageError(
            f"{what} are not on this machine, and {parts.netloc} can't be reached: "
            f"{' '.join(why) or 'timed out'}. Fetch them where there is a network, or {instead}"
        )
