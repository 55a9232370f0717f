"""The address under which a proxy shows a server of ours to others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ncenet.errors import DataError, UsageError
from ncenet.text_files import read_text

if TYPE_CHECKING:
    from starlette.types import Scope

NOT_SERVED = "http://127.0.0.1:8765/"
"""Where the page is served unless somebody says otherwise."""
_USUAL = {"http": 80, "https": 443}


@dataclass(frozen=True)
class PublicUrl:
    """Where browsers find the page. What a request says of that itself (``X-Forwarded-...``) is not believed.

    Attributes:
        origin: scheme, name and port, as browsers send them in the header Origin.
        host: the name alone.
        path: what comes before the paths of the page; begins and ends with ``/``.
    """

    origin: str
    host: str
    path: str

    @classmethod
    def parse(cls, url: str) -> PublicUrl:
        """Read an address as people write it.

        Raises:
            UsageError: it is none that a browser could open.

        >>> PublicUrl.parse("https://Label.Example.com:443/pets")
        PublicUrl(origin='https://label.example.com', host='label.example.com', path='/pets/')
        """
        try:
            parts = urlsplit(url.strip())
            name, port = parts.hostname or "", parts.port
            host = name if ":" in name else name.encode("idna").decode()
        except ValueError as error:  # a port that is none, a bracket without its other half, a name too long
            raise UsageError(f"the public address {url!r} can't be read: {error}") from None
        steps = parts.path.split("/")
        if parts.scheme not in _USUAL or not host or "@" in parts.netloc or parts.query or parts.fragment:
            raise UsageError(
                f"the public address {url!r} is none: it is http:// or https://, a name, perhaps a port and "
                "a path, such as https://label.example.com/pets/"
            )
        if ".." in steps or "." in steps or "" in steps[1:-1] or "\\" in parts.path or not url.isprintable():
            raise UsageError(f"the public address {url!r} has a path that proxies change: name a plain one")
        shown = f"[{host}]" if ":" in host else host
        usual = port is None or port == _USUAL[parts.scheme]
        origin = f"{parts.scheme}://{shown}" + ("" if usual else f":{port}")
        return cls(origin, host, parts.path.rstrip("/") + "/")

    @property
    def url(self) -> str:
        """The whole address."""
        return self.origin + self.path

    @property
    def encrypted(self) -> bool:
        """Whether what goes over the network can't be read there."""
        return self.origin.startswith("https:")

    def within(self, scope: Scope) -> Scope | None:
        """A request as the page knows it: a proxy may pass the public path on, or take it off.

        Returns:
            The request; None when it lacks the last ``/`` of the public path, without which a browser looks
            for all else in another place.
        """
        path, own = scope["path"], unquote(self.path)
        if own == "/" or not (path + "/").startswith(own):
            return scope
        if path + "/" == own:
            return None
        inside = path[len(own) - 1 :]
        return {**scope, "path": inside, "raw_path": inside.encode()}


def begin_of_links(served: Path, public_url: str | None = None) -> tuple[str, bool]:
    """What links to a page begin with, and whether that is known.

    Args:
        served: file that says where the page was served last.
        public_url: where a proxy shows it.

    Raises:
        UsageError: the public address is none.
    """
    if public_url is not None:
        return PublicUrl.parse(public_url).url, True
    try:
        return PublicUrl.parse(read_text(served).strip()).url, True
    except (DataError, UsageError):  # it was not served yet, or not by us
        return NOT_SERVED, False


def link_to(begin: str, key: str) -> str:
    """The link by which an annotator opens the page."""
    return f"{begin}#token={key}"
