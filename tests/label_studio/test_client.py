"""The access token goes to the server that the user named, and nowhere else."""

from __future__ import annotations

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
def listening(status=200, location=None):
    """A server that notes what it is sent, and leads elsewhere when told to."""
    heard = []

    class Handler(BaseHTTPRequestHandler):
        def note(self):
            heard.append((self.command, self.path, self.headers.get("Authorization")))
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"[]")

        do_GET = do_POST = do_PATCH = note  # noqa: N815 - what http.server calls them

        def log_message(self, *_):
            """Quietly."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
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


class TestServe:
    """A run folder may come from a stranger, and so may the address in it."""

    @pytest.fixture
    def folder(self, tmp_path, monkeypatch):
        run = new_run(tmp_path / "run", photos(tmp_path / "photos"))
        run.ledger.close()
        monkeypatch.setenv("LABEL_STUDIO_API_KEY", TOKEN)
        return run.folder

    def test_the_address_in_a_run_folder_is_sent_nothing(self, folder):
        from ncenet.cli.serve import _client

        with listening() as (theirs, heard):
            remember(folder, url=theirs, project=1)
            assert _client(folder, None) is None
            assert _client(folder, theirs + "/").url == theirs, "the user names it"
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
