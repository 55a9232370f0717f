"""Names under which a server is reached: a page of another name may not make a browser talk to it."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit


class Names:
    """What the header Host of a request may say. DNS rebinding needs another name, and finds none.

    Args:
        names: without ports.
        any_address: also take every IP address for a name of ours, as a server for a whole network must. An
            address can't be rebound.

    >>> ours = Names(["localhost"])
    >>> [ours.hold(host) for host in ("localhost:8765", "evil.example", "me@localhost", "")]
    [True, False, False, False]
    """

    def __init__(self, names: Iterable[str], *, any_address: bool = False) -> None:
        self._names, self._any_address = frozenset(name.lower() for name in names), any_address

    @classmethod
    def of(cls, host: str, more: Iterable[str] = ()) -> Names:
        """Those of a server that is bound to ``host``, and ``more`` that others have for this machine."""
        everywhere = is_everywhere(host)
        names = {"localhost", "127.0.0.1", "::1", host, *more}
        if everywhere:
            names |= {socket.gethostname(), socket.getfqdn()}
        return cls(names, any_address=everywhere)

    def hold(self, host: str) -> bool:
        """Whether a Host header names us."""
        try:
            parts = urlsplit(f"//{host}")
            name = parts.hostname or ""
            if parts.netloc != host or "@" in host or parts.port == 0:
                return False
        except ValueError:  # a port that is no number, a bracket without its other half
            return False
        if name in self._names:
            return True
        try:
            return self._any_address and bool(ipaddress.ip_address(name))
        except ValueError:
            return False


def is_everywhere(host: str) -> bool:
    """Whether a server that is bound to ``host`` is reached by other machines, by any address of this one."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False
