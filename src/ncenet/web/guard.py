"""The guard at the door: who may talk to the page at all.

A page on this machine can be reached by any other page in the same browser, and by other users of the
machine. So every request needs a secret token; its Host must be a name of ours, which defeats DNS rebinding;
what changes something must come from our own page; and what is sent back may run no script but ours.
"""

from __future__ import annotations

import ipaddress
import json
import secrets
import socket
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 1_000_000
"""Bytes of a request; a hundred answers take 30,000."""
TOKEN_BYTES = 24
SAFE_METHODS = frozenset({"GET", "HEAD"})
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
"""Sent with every answer."""


def token_of(folder: Path) -> str:
    """The token of a run: made at first, then the same, so that a page outlives a restart of its server.

    Args:
        folder: the run folder; the token lies in a file that only its owner can read. Remove it for another.
    """
    file = folder / "page-token"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(TOKEN_BYTES), encoding="ascii")
    return file.read_text(encoding="ascii").strip()


class Guard:
    """Lets through what may pass, and refuses the rest with a sentence.

    Args:
        app: what is guarded.
        token: the secret.
        hosts: names under which the page is reached, without ports.
        any_address: also take every IP address for a name of ours, as a server for a whole network must. An
            address can't be rebound.
        cookie: name of the cookie that holds the token.
    """

    def __init__(
        self, app: ASGIApp, *, token: str, hosts: Iterable[str], any_address: bool = False, cookie: str
    ) -> None:
        self._app, self._token, self._cookie = app, token, cookie
        self._hosts, self._any_address = frozenset(hosts), any_address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        given = _query_token(scope)
        refusal = self._refusal(scope, headers, given)
        if refusal is not None:
            await _answer(send, *refusal)
        elif scope["path"] == "/" and given is not None:
            cookie = f"{self._cookie}={self._token}; Path=/; HttpOnly; SameSite=Strict"
            await _answer(send, 303, "", [("location", "/"), ("set-cookie", cookie)])
        else:
            await self._pass(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers, given: str | None) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if len(headers.getlist("host")) != 1 or not self._is_ours(host):
            return 421, f"this page is not served under the name {host[:80]!r}"
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        by_cookie = self._matches(_cookie(headers, self._cookie))
        if not (by_cookie or self._matches(bearer) or (scope["path"] == "/" and self._matches(given))):
            return 401, "open the link that ncenet label printed: it holds the token that is missing here"
        if scope["method"] not in SAFE_METHODS:
            origin = headers.get("origin")
            if origin is None and not self._matches(bearer):
                return 403, "a change needs the header Origin of this page"
            if origin is not None and origin != f"{scope['scheme']}://{host}":
                return 403, f"changes come from this page alone, not from {origin[:80]!r}"
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MAX_BODY:
            return 413, f"a request has {MAX_BODY:,} bytes at most"
        return None

    def _is_ours(self, host: str) -> bool:
        try:
            parts = urlsplit(f"//{host}")
            name = parts.hostname or ""
            if parts.netloc != host or "@" in host or parts.port == 0:
                return False
        except ValueError:  # a port that is no number, a bracket without its other half
            return False
        if name in self._hosts:
            return True
        try:
            return self._any_address and bool(ipaddress.ip_address(name))
        except ValueError:
            return False

    def _matches(self, given: str | None) -> bool:
        return given is not None and secrets.compare_digest(given.encode(), self._token.encode())

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        taken = 0

        async def limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > MAX_BODY:  # a body in chunks announces no length
                return {"type": "http.disconnect"}
            return message

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in message["headers"]}
                more = [(k.encode(), v.encode()) for k, v in HEADERS.items() if k.encode() not in own]
                if b"cache-control" not in own:
                    more.append((b"cache-control", b"no-store"))
                message["headers"] = [*message["headers"], *more]
            await send(message)

        await self._app(scope, limited, dressed)


def our_names(host: str) -> tuple[frozenset[str], bool]:
    """Names under which a server that is bound to ``host`` is reached, and whether any address counts."""
    try:
        everywhere = ipaddress.ip_address(host).is_unspecified
    except ValueError:
        everywhere = False
    names = {"localhost", "127.0.0.1", "::1", host.lower()}
    if everywhere:
        names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
    return frozenset(names), everywhere


def _query_token(scope: Scope) -> str | None:
    query = parse_qs(scope["query_string"].decode("latin-1"))
    return query["token"][0] if len(query.get("token", ())) == 1 else None


def _cookie(headers: Headers, name: str) -> str | None:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return None
    return None if found is None else found.value


async def _answer(send: Send, status: int, why: str, more: Iterable[tuple[str, str]] = ()) -> None:
    body = json.dumps({"error": why}).encode() if why else b""
    headers = [*HEADERS.items(), ("content-type", "application/json"), ("cache-control", "no-store"), *more]
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(k.encode(), v.encode()) for k, v in (*headers, ("content-length", str(len(body))))],
        }
    )
    await send({"type": "http.response.body", "body": body})
