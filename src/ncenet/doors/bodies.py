"""Requests are read up to a size, and what refuses them says why."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Send


def too_long(headers: Headers, most: int) -> bool:
    """Whether a request announces more bytes than may be, or no number of them."""
    length = headers.get("content-length", "0")
    return not (length.isascii() and length.isdigit() and len(length) < 20 and int(length) <= most)


async def whole(receive: Receive, most: int) -> Receive | None:
    """A request that is handed out when all of it is there; None when more bytes came than may.

    A body in chunks announces no length.
    """
    body, message = bytearray(), await receive()
    while message["type"] == "http.request":
        body += message.get("body", b"")
        if len(body) > most:
            return None
        if not message.get("more_body"):
            message = {"type": "http.request", "body": bytes(body)}
            break
        message = await receive()
    waiting = [message]

    async def next_message() -> Message:
        return waiting.pop() if waiting else await receive()

    return next_message


async def refuse_long(send: Send, most: int, headers: Mapping[str, str]) -> None:
    """Answer a request that has more bytes than may be."""
    await answer(send, 413, f"a request has {most:,} bytes at most", headers)


async def answer(
    send: Send, status: int, why: str, headers: Mapping[str, str], more: Iterable[tuple[str, str]] = ()
) -> None:
    """Answer a request with a sentence under ``error``, or with nothing."""
    await _send(send, status, json.dumps({"error": why}) if why else "", "application/json", headers, more)


async def page(send: Send, status: int, html: str, headers: Mapping[str, str]) -> None:
    """Answer somebody who looks at it in a browser."""
    await _send(send, status, html, "text/html; charset=utf-8", headers)


async def _send(
    send: Send,
    status: int,
    text: str,
    media_type: str,
    headers: Mapping[str, str],
    more: Iterable[tuple[str, str]] = (),
) -> None:
    body = text.encode()
    said = [*headers.items(), ("content-type", media_type), ("cache-control", "no-store"), *more]
    said.append(("content-length", str(len(body))))
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(name.encode(), value.encode()) for name, value in said],
        }
    )
    await send({"type": "http.response.body", "body": body})
