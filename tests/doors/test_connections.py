"""Whoever holds a place without using it loses it to whoever comes with a request."""

from __future__ import annotations

import socket
import time
from contextlib import closing, contextmanager

import httpx
import pytest
from starlette.responses import PlainTextResponse, StreamingResponse

from ncenet.doors.connections import Limits, bind, let_in
from ncenet.errors import UsageError
from tests.web.served import serving

HEAD = b"GET /large HTTP/1.1\r\nHost: x\r\n"


BEGUN = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1"


async def application(scope, receive, send):
    """A word, a stream that goes on until its reader leaves, or more than any buffer holds."""
    if scope["path"] == "/stream":
        if scope["query_string"] == b"known":
            let_in(scope)

        async def stream():
            yield "begun\n"
            while (await receive())["type"] != "http.disconnect":
                pass

        await StreamingResponse(stream())(scope, receive, send)
    else:
        while scope["method"] == "POST" and (await receive()).get("more_body"):
            pass
        body = b"x" * (50_000_000 if scope["path"] == "/large" else 1)
        await PlainTextResponse(body)(scope, receive, send)


@pytest.fixture
def port(request):
    with serving(application, getattr(request, "param", None)) as port:
        yield port


def within(**limits):
    """A test whose server has other limits."""
    return pytest.mark.parametrize("port", [Limits(**limits)], indirect=True, ids=["limits"])


@contextmanager
def lines(port, count, first=b""):
    """Connections that say no more than this."""
    held = [socket.create_connection(("127.0.0.1", port), timeout=120) for _ in range(count)]
    try:
        for line in held:
            line.sendall(first)
        yield held
    finally:
        for line in held:
            line.close()


def answered(port):
    return httpx.get(f"http://127.0.0.1:{port}/", timeout=120).text == "x"


def ended(line):
    """Whether the server has ended it."""
    line.settimeout(20)
    try:
        while line.recv(65536):
            pass
    except ConnectionResetError:
        pass
    return True


def goes_on(line):
    """Whether the server has not ended it."""
    line.settimeout(0.2)
    try:
        while line.recv(65536):
            pass
    except TimeoutError:
        return True
    return False


@within(most=10)
@pytest.mark.parametrize("first", [b"", b"G", HEAD, BEGUN])
def test_idle_connections_give_way_and_the_oldest_first(port, first, capfd):
    with lines(port, 30, first) as held:
        for _ in range(5):
            assert answered(port)
        assert all(ended(line) for line in held[:20])
        assert goes_on(held[-1])
    assert capfd.readouterr().err == "", "a flood fills no log"


@within(most=5)
def test_connections_that_read_no_answer_give_way_too(port):
    with lines(port, 12, HEAD + b"\r\n"):
        time.sleep(0.3)
        assert answered(port)


@within(most=3)
def test_whoever_was_let_in_keeps_the_place_until_the_answer_ends(port):
    streams = [f"GET /stream?{who} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for who in ("known", "stranger")]
    with lines(port, 1, streams[1]) as (stranger,), lines(port, 2, streams[0]) as known:
        assert all(b"200 OK" in stream.recv(65536) for stream in (*known, stranger))
        with lines(port, 20):
            assert answered(port)
        assert ended(stranger)
        for stream in known:
            assert goes_on(stream)


@within(most=10)
def test_whoever_asks_again_and_again_without_being_let_in_keeps_no_place(port):
    many = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 300
    with lines(port, 40, many):
        for _ in range(5):
            assert answered(port)


@within(request_seconds=0.6)
@pytest.mark.parametrize("drip", [b"", b"a"])
def test_a_request_has_to_be_whole_in_time_however_it_drips(port, drip):
    start = time.monotonic()
    with lines(port, 1, b"GET / HTTP/1.1\r\nHost: x\r\nx-slow: ") as (line,):
        line.settimeout(0.1)
        while time.monotonic() < start + 20:
            try:
                line.sendall(drip)
                if not line.recv(10):
                    break
            except TimeoutError:
                continue
            except OSError:  # it is ended, whoever notices first
                break
    assert 0.5 < time.monotonic() - start < 10


@within(request_seconds=0.6)
def test_the_second_request_of_a_connection_likewise(port):
    whole = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    with lines(port, 1, whole) as (line,):
        assert line.recv(65536).startswith(b"HTTP/1.1 200")
        line.sendall(b"GET / HT")
        assert ended(line)
    with lines(port, 1, whole) as (line,):
        for _ in range(3):
            time.sleep(0.4)
            assert line.recv(65536).startswith(b"HTTP/1.1 200")
            line.sendall(whole)


@within(stall_seconds=0.4)
def test_a_reader_that_stops_is_let_go(port):
    with lines(port, 1, HEAD + b"\r\n") as (line,):
        time.sleep(1)
        total = 0
        line.settimeout(20)
        try:
            while part := line.recv(65536):
                total += len(part)
        except ConnectionResetError:
            pass
        assert total < 50_000_000


def test_a_port_that_is_taken_is_named():
    with closing(bind("127.0.0.1", 0, "ncenet label")) as door:
        taken = door.getsockname()[1]
        words = rf"port {taken} of 127.0.0.1 can't be had: .+ another ncenet label is running"
        with pytest.raises(UsageError, match=words):
            bind("127.0.0.1", taken, "ncenet label")
