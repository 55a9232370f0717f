"""Requests are read up to a size, and what refuses them says why."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Mapping

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Send


def too_long(headers: Headers, most: int) -> str | None:
    """Why a request is refused for the length that it announces; None when it isn't."""
    length = headers.get("content-length", "0")
    if length.isascii() and length.isdigit() and len(length) < 20 and int(length) <= most:
        return None
    return f"a request has {most:,} bytes at most"


def limited(receive: Receive, most: int) -> Receive:
    """The messages of a request, until more bytes came than may: a body in chunks announces no length."""
    taken = 0

    async def next_message() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        return {"type": "http.disconnect"} if taken > most else message

    return next_message


async def read_first(receive: Receive) -> Receive:
    """The same messages, handed out when the whole request is there."""
    messages = deque([await receive()])
    while messages[-1]["type"] == "http.request" and messages[-1].get("more_body"):
        messages.append(await receive())

    async def next_message() -> Message:
        return messages.popleft() if messages else await receive()

    return next_message


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
