"""Files over HTTP: no more bytes than may be, and none from where machines of a cloud keep their passwords.

An address may stand in somebody's table, and what a server answers may lead on to another one. So it is the
connection that is looked at, when the name is resolved and whoever leads there.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
from typing import Any

from ncenet.errors import DataError

_KEEPERS = frozenset(
    map(ipaddress.ip_address, ("fd00:ec2::254", "100.100.100.200", "192.0.0.192", "168.63.129.16"))
)
"""Services of clouds that give passwords to their machines at other addresses than link-local ones."""
INSIDE = "leads to where machines of a cloud keep their passwords, and nothing is read from there"
CONNECT_SECONDS, SILENT_SECONDS, MOST_SECONDS = 10, 60, 600
"""How long a server may take to be reached, to say something, and for all of a file (ours)."""
_PART = 2**20


def read(files: Any, address: str, most: int | None) -> bytes:
    """All of a file.

    Args:
        files: fsspec's file system of HTTP, with our :func:`session`.
        address: with ``http://`` or ``https://``.
        most: bytes that it may have once it is unpacked, which servers may have done with it; None for any.

    Raises:
        DataError: it has more.
    """
    import fsspec.asyn

    found: bytes = fsspec.asyn.sync(files.loop, _read, files, address, most)
    return found


async def session(**options: Any) -> Any:
    """What asks servers."""
    import aiohttp

    wait = aiohttp.ClientTimeout(total=MOST_SECONDS, sock_connect=CONNECT_SECONDS, sock_read=SILENT_SECONDS)
    door = aiohttp.TCPConnector(socket_factory=_socket)
    return aiohttp.ClientSession(connector=door, **{"timeout": wait, **options})


async def _read(files: Any, address: str, most: int | None) -> bytes:
    asks = await files.set_session()
    async with asks.get(files.encode_url(address)) as answer:
        if answer.status == 404:
            raise FileNotFoundError(address)
        answer.raise_for_status()
        found = bytearray()
        async for part in answer.content.iter_chunked(_PART):
            found += part
            if most is not None and len(found) > most:
                raise DataError(f"{address}: more than {most:,} bytes")
        return bytes(found)


def _socket(about: Any) -> socket.socket:
    family, kind, protocol, _, place = about
    if is_inside(str(place[0])):
        raise OSError(errno.EACCES, INSIDE)
    return socket.socket(family, kind, protocol)


def is_inside(address: str) -> bool:
    """Whether an IP address is one that only a machine itself and its cloud should ask.

    >>> is_inside("169.254.169.254"), is_inside("::ffff:169.254.1.1"), is_inside("192.168.0.7")
    (True, True, False)
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_link_local or (mapped or found) in _KEEPERS
