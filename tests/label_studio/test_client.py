"""The access token goes to the server that the user named, and nowhere else."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ncenet.errors import DataError, UsageError
from ncenet.label_studio.client import Client
from ncenet.label_studio.exchange import remember
from tests.commands import run_command
from tests.label_studio.fake import TOKEN
from tests.labels.make import new_run, photos


@contextmanager
def listening(status=200, location=None, body=b"[]"):
    """A server that notes what it is sent, and leads elsewhere when told to."""
    heard = []

    class Handler(BaseHTTPRequestHandler):
        def note(self):
            heard.append((self.command, self.path, self.headers.get("Authorization")))
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = note  # noqa: N815 - what http.server calls them

        def log_message(self, *_):
            """Quietly."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("key", [TOKEN, "a.b.c"])
def test_a_redirect_is_told_and_not_followed(status, key):
    with listening() as (elsewhere, heard), listening(status, f"{elsewhere}/api/users/") as (url, _):
        client = Client(url, key)
        for call in (client.users, lambda: client.create_project("a", "<View/>")):
            with pytest.raises(
                DataError, match=f"leads to {elsewhere}/api/users/, and the token goes nowhere"
            ):
                call()
        assert heard == []


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://host/", "localhost:8080", "", "//host", "http://"]
)
def test_what_is_no_address_of_the_web_is_refused(url):
    with pytest.raises(UsageError, match="is no address of a Label Studio"):
        Client(url, TOKEN)


@pytest.mark.parametrize(
    "url",
    [
        "http://ann:hunter2@host/",
        "https://hunter2@host:8080",
        "http://host:hunter2/",
        "http://[hunter2",
        "http://host:99999",
    ],
)
def test_a_password_in_an_address_is_refused_and_shown_nowhere(url):
    with pytest.raises(UsageError, match="is no address of a Label Studio") as refused:
        Client(url, TOKEN)
    assert "@" not in url or "hunter2" not in str(refused.value)


@pytest.mark.parametrize("key", ["", " \n", "sec ret", "sec\nret", "sec\rret: 1", "secr\u00e9t", "sec\0ret"])
def test_a_key_that_no_header_can_hold_is_refused_and_not_quoted(key):
    with pytest.raises(UsageError, match="the access token holds") as refused:
        Client("http://localhost", key)
    assert "sec" not in str(refused.value)


def test_a_key_from_a_file_may_end_with_its_line():
    with listening() as (url, heard):
        Client(url, f"{TOKEN}\n").users()
    assert heard == [("GET", "/api/users/", f"Token {TOKEN}")]


CALLS = {
    "users": lambda client: client.users(),
    "project": lambda client: client.project(1),
    "create": lambda client: client.create_project("a", "<View/>"),
    "upload": lambda client: client.upload(1, "a.jpg", b"x"),
    "tasks": lambda client: list(client.tasks(1)),
    "task": lambda client: client.task(1),
}


@pytest.mark.parametrize("key", [TOKEN, "a.b.c"])
@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"null", b"{}", b"[null]", b"[[]]", b'"text"', b"7", b"<html>hunter2</html>", b"\xff\xfe"),
        *(b"[" * 20_000, b"9" * 5000),
        b'{"id": "1", "label_config": 7, "tasks": {}, "total": "9", "file_upload_ids": 3, "access": 7}',
        b'{"id": true, "label_config": 0, "tasks": [7], "total": 1, "file_upload_ids": [], "access": "\\n"}',
        b'{"tasks": [], "total": 1000000000}',
        b'{"tasks": [{"id": 1}], "total": 1}',
        b'{"tasks": [{"id": 1, "data": {}, "annotations": "abc"}], "total": 1, "id": 2, "data": {}}',
    ],
)
def test_a_server_that_answers_otherwise_than_label_studio_is_named(key, body):
    with listening(body=body) as (url, _):
        for name, call in CALLS.items():
            try:
                call(Client(url, key))
            except DataError as error:
                assert str(error).startswith(url) and "hunter2" not in str(error), name
            else:
                assert name in ("task", "create") and b'"id": 2' in body, (name, body)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[]",
        b"HTTP/1.1 200 " + b"x" * 70_000,
    ],
)
def test_what_is_no_http_is_named_too(said):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            with server.accept()[0] as there:
                there.recv(65536)
                there.sendall(said)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(DataError, match="no Label Studio answers there"):
            Client(f"http://127.0.0.1:{server.getsockname()[1]}", TOKEN).users()
        thread.join()


def test_an_answer_without_end_is_not_read_to_it():
    with (
        listening(body=b"[" + b" " * 5000 + b"]") as (url, _),
        pytest.raises(DataError, match="more than 1,000 bytes"),
    ):
        Client(url, TOKEN, largest=1000).users()


class TestServe:
    """A run folder may come from a stranger, and so may the address in it."""

    @pytest.fixture
    def folder(self, tmp_path, monkeypatch):
        run = new_run(tmp_path / "run", photos(tmp_path / "photos"))
        run.ledger.close()
        monkeypatch.setenv("LABEL_STUDIO_API_KEY", TOKEN)
        return run.folder

    def test_the_address_in_a_run_folder_is_sent_nothing(self, folder):
        from ncenet.api.label_studio import followed_by

        with listening() as (theirs, heard):
            remember(folder, url=theirs, project=1)
            assert followed_by(folder, None) is None
            assert followed_by(folder, theirs + "/").url == theirs, "the user names it"
            assert heard == []

    def test_another_server_than_that_of_the_push_is_refused(self, folder, capsys):
        remember(folder, url="http://theirs.example", project=1)
        words = ["serve", str(folder), "--label-studio", "--url", "http://localhost:8080"]
        done = run_command(capsys, words)
        assert (
            done.code == 2
            and "was pushed to http://theirs.example, not to http://localhost:8080" in done.said
        )

    def test_an_address_without_a_token_is_refused(self, folder, capsys, monkeypatch):
        monkeypatch.delenv("LABEL_STUDIO_API_KEY")
        done = run_command(capsys, ["serve", str(folder), "--label-studio", "--url", "http://localhost:8080"])
        assert done.code == 2 and "--url needs an access token" in done.said
