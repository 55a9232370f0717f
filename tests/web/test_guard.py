"""Who is let in, what is refused with which words, and that the server lives on."""

from __future__ import annotations

import random
import socket
import stat

import httpx
import pytest

from ncenet.doors.names import Names
from ncenet.errors import UsageError
from ncenet.web.api import build_app
from ncenet.web.guard import HEADERS, MAX_BODY, Guard, token_of
from tests.data.make import bomb_png, jpeg
from tests.web.conftest import ALLOWED, HOST, TOKEN, Page
from tests.web.served import serving

ENTRY = {"key": "12345678", "id": "a"}


def refused(answer, status, words):
    assert answer.status_code == status, answer.text
    assert words in answer.json()["error"]
    for name, value in HEADERS.items():
        assert answer.headers[name] == value, name


@pytest.fixture
def stranger(visitor):
    """Somebody with neither the token nor the page."""
    del visitor.client.headers["authorization"]
    return visitor


class TestWho:
    def test_without_the_token_nothing_is_told(self, stranger):
        for path in ("/api/state", "/api/events", "/images/view/" + "0" * 32, "/nothing", "/openapi.json"):
            refused(stranger.get(path), 401, "open the link that ncenet label printed")
        for path in ("/", "/api/turns", "/assets/main.js"):
            refused(stranger.post(path, {}), 401, "open the link")

    def test_the_page_is_the_program_and_holds_no_word_of_the_run(self, stranger, project):
        for path in ("/", "/assets/main.js", "/assets/token.js"):
            answer = stranger.get(path)
            assert answer.status_code == 200
            for word in (TOKEN, project.title, str(project.folder), "r000.png"):
                assert word not in answer.text

    @pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], TOKEN + "x", "é", f"{TOKEN}&token={TOKEN}"])
    def test_a_wrong_token_is_none(self, stranger, token):
        for path in ("/", "/api/events", "/images/view/" + "0" * 32):
            refused(stranger.client.get(f"{path}?token={token}"), 401, "open the link")
        for said in (f"Bearer {token}", token, f"Basic {token}"):
            header = {"authorization": said.encode()}
            refused(stranger.get("/api/state", headers=header), 401, "open the link")

    def test_the_link_leads_to_a_part_of_the_address_that_no_server_is_sent(self, stranger):
        answer = stranger.get("/", params={"token": TOKEN}, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, f"./#token={TOKEN}")

    def test_the_browser_is_given_nothing_that_it_would_send_by_itself(self, stranger):
        """A cookie goes to every port of a host, so to the server of another user of this machine."""
        stranger.get("/", params={"token": TOKEN})
        stranger.get("/api/state", headers=ALLOWED)
        assert not stranger.client.cookies
        for cookies in ({"ncenet-8765": TOKEN}, {"ncenet": TOKEN}, {"token": TOKEN}):
            header = "; ".join(f"{name}={value}" for name, value in cookies.items())
            refused(stranger.get("/api/state", headers={"cookie": header}), 401, "open the link")

    def test_in_an_address_the_token_opens_pictures_and_the_news_alone(self, stranger, project):
        (turn,) = project.turns("window-1", "ann", [], 1)
        assert stranger.get(f"/images/view/{turn.hash}?token={TOKEN}").status_code == 200
        refused(stranger.get(f"/api/state?token={TOKEN}"), 401, "open the link")
        refused(stranger.post(f"/api/turns?token={TOKEN}", {}), 401, "open the link")

    def test_programs_may_send_the_token_as_a_header(self, stranger):
        assert stranger.get("/api/state", headers=ALLOWED).status_code == 200
        message = {"window": "window-9", "who": "bot", "want": 1}
        assert stranger.client.post("/api/turns", json=message, headers=ALLOWED).status_code == 200

    def test_the_token_of_a_run_stays_and_only_its_owner_can_read_it(self, tmp_path):
        token = token_of(tmp_path)
        assert len(token) >= 32 and token_of(tmp_path) == token
        assert stat.S_IMODE((tmp_path / "page-token").stat().st_mode) == 0o600

    @pytest.mark.parametrize("left", [b"", b"\n", b"   ", b"abc", b"\0" * 40, b"\xff" * 40, b"two words"])
    def test_a_file_without_a_token_opens_the_page_to_nobody(self, tmp_path, left):
        (tmp_path / "page-token").write_bytes(left)
        with pytest.raises(UsageError, match=r"page-token holds no token but .+: remove it"):
            token_of(tmp_path)

    @pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o666])
    def test_a_token_that_others_can_read_is_none(self, tmp_path, mode):
        token_of(tmp_path)
        (tmp_path / "page-token").chmod(mode)
        with pytest.raises(UsageError, match=rf"page-token: other users .+ can read it \(mode {mode:o}\)"):
            token_of(tmp_path)

    def test_where_the_disk_knows_no_owners_it_is_one(self, tmp_path, monkeypatch):
        token = token_of(tmp_path)
        (tmp_path / "page-token").chmod(0o777)
        monkeypatch.setattr("ncenet.doors.secret.keeps_modes", lambda folder: False)
        assert token_of(tmp_path) == token

    @pytest.mark.parametrize("token", ["", " ", "short"])
    def test_no_guard_stands_without_a_token(self, token):
        with pytest.raises(UsageError, match="the page holds no token"):
            Guard(None, token=token, names=Names(["127.0.0.1"]))


class TestWhere:
    @pytest.mark.parametrize(
        "host",
        ["evil.example", "127.0.0.1.evil.example", "10.0.0.7", "user@127.0.0.1", "", "[", "127.0.0.1:x"],
    )
    def test_a_forged_host_is_refused(self, visitor, host):
        refused(visitor.get("/api/state", headers={"host": host}), 421, "not served under the name")

    def test_bound_to_everything_addresses_count_and_foreign_names_do_not(self):
        names = Names.of("0.0.0.0")
        assert [names.hold(host) for host in ("10.0.0.7:8765", "[::1]:8765", "localhost")] == [True] * 3
        assert not names.hold("evil.example")
        assert not Names.of("127.0.0.1").hold("10.0.0.7")

    @pytest.mark.parametrize(
        "origin", ["http://evil.example", "null", "https://" + HOST, "http://127.0.0.1:1"]
    )
    def test_another_origin_changes_nothing(self, project, visitor, origin):
        (turn,) = visitor.turns(1)
        entry = {"key": "key-00000001", "id": turn["id"], "kind": "skip"}
        answer = visitor.post("/api/answers", {"who": "ann", "entries": [entry]}, origin=origin)
        refused(answer, 403, "changes come from this page alone")
        assert project.ledger.events() == []

    def test_nor_does_one_beside_ours(self, project, visitor):
        several = [("origin", f"http://{HOST}"), ("origin", "http://evil.example"), *ALLOWED.items()]
        answer = visitor.client.post("/api/turns", content=b"{}", headers=several)
        refused(answer, 403, "changes come from this page alone, not from 'http://evil.example'")


class TestWhat:
    def test_every_answer_forbids_foreign_and_inline_scripts(self, visitor):
        for path in ("/", "/assets/main.js", "/api/state", "/nothing"):
            policy = visitor.get(path).headers["content-security-policy"]
            assert "default-src 'none'" in policy and "script-src 'self';" in policy
            assert "unsafe" not in policy

    def test_the_page_has_no_inline_script_or_style(self, visitor):
        text = visitor.get("/").text
        assert text.count("<script") == text.count('<script type="module" src=')
        assert "style=" not in text and "<style" not in text and " on" + "click" not in text

    @pytest.mark.parametrize(
        "path",
        [
            "/images/view/../../../../etc/passwd",
            "/images/view/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
            "/images/view/..%5c..%5cboot.ini",
            "/assets/..%2f..%2fproject.py",
            "/assets/../api.py",
            "/assets//etc/passwd",
            "/images/view/r000.png",
            "/images/huge/" + "0" * 32,
        ],
    )
    def test_no_address_leads_to_a_file(self, visitor, path):
        assert visitor.get(path).status_code == 404

    def test_html_that_is_called_jpg_is_never_served(self, opened, tmp_path):
        page = b"<html><script>alert(1)</script>" + b"x" * 200
        (tmp_path / "photos" / "evil.jpg").write_bytes(page)
        (tmp_path / "photos" / "both.jpg").write_bytes(jpeg(1, width=200, height=150) + page)
        project = opened()
        visitor = Page(project)
        assert "evil.jpg" in project.ledger.problems()
        item = project.ledger.review.items(["both.jpg"])["both.jpg"]
        served = visitor.get(f"/images/view/{item.hash}")
        assert served.headers["content-type"] == "image/jpeg"
        assert b"<script>" not in served.content, "encoded anew"

    def test_a_picture_of_200_megapixels_is_refused_by_its_size(self, opened, tmp_path, monkeypatch):
        (tmp_path / "photos" / "huge.png").write_bytes(bomb_png(20_000, 10_000))
        project = opened()
        # The look at every image found that it does not decode; say that it did, as a sound one would.
        hash = project.pool.content_hash("huge.png")
        project.ledger.add_items([("huge.png", hash, None)])
        answer = Page(project).get(f"/images/view/{hash}")
        refused(answer, 415, "20000 x 10000 is 200 megapixels, more than the 100 that are shown")
        assert Page(project).turns(1)

    def test_too_much_is_refused_whether_its_length_is_announced_or_not(self, visitor):
        body = b"x" * (MAX_BODY + 1)
        headers = {"origin": f"http://{HOST}", "content-type": "application/json"}
        refused(visitor.client.post("/api/turns", content=body, headers=headers), 413, "bytes at most")
        refused(visitor.client.post("/api/turns", headers=headers | {"content-length": "-1"}), 413, "at most")
        pieces = (b"x" * 100_000 for _ in range(11))
        refused(visitor.client.post("/api/turns", content=pieces, headers=headers), 413, "bytes at most")

    @pytest.mark.parametrize(
        ("path", "message", "words"),
        [
            ("/api/turns", {"window": "w", "who": "ann", "want": 1}, "window"),
            ("/api/turns", {"window": "window-1", "who": "  ", "want": 1}, "who"),
            ("/api/turns", {"window": "window-1", "who": "a\u0000b", "want": 1}, "can be printed"),
            ("/api/turns", {"window": "window-1", "who": "ann", "want": 10**9}, "want"),
            ("/api/turns", [1, 2], "body"),
            ("/api/answers", {"who": "ann", "entries": []}, "entries"),
            ("/api/answers", {"who": "ann", "entries": [ENTRY | {"kind": "answer"}]}, "label"),
            ("/api/answers", {"who": "ann", "entries": [ENTRY | {"kind": "undo"}]}, "undo"),
            ("/api/classes", {"who": "ann", "name": "x" * 201}, "name"),
            ("/api/sheet", {"before": -1}, "before"),
            ("/api/why", {"id": "a", "more": 1}, "more"),
        ],
    )  # fmt: skip
    def test_a_message_that_is_none_is_refused_with_the_field(self, visitor, path, message, words):
        refused(visitor.post(path, message), 422, words)


@pytest.fixture
def served(project):
    """Port of the project behind a real server."""
    with serving(Guard(build_app(project), token=TOKEN, names=Names(["127.0.0.1"]))) as port:
        yield port


def malformed(dice: random.Random) -> bytes:
    """Bytes that are nearly a request."""
    start = dice.choice(
        [
            b"GET /api/state HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + TOKEN.encode()
            + b"\r\n",
            b"POST /api/answers HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + TOKEN.encode()
            + b"\r\nContent-Type: application/json\r\nContent-Length: 40\r\n\r\n{\"who\": [[[[",
            b"GET /images/view/%ff%00/../.. HTTP/1.1\r\nHost: \xff\xfe\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"GET / HTTP/9.9\r\n",
            b"OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        ]
    )  # fmt: skip
    data = bytearray(start + bytes(dice.randrange(256) for _ in range(dice.randrange(60))) + b"\r\n\r\n")
    for _ in range(dice.randrange(4)):
        data[dice.randrange(len(data))] = dice.randrange(256)
    return bytes(data)


def test_a_thousand_malformed_requests_and_the_server_lives_on(project, served):
    dice, before = random.Random(0), project.ledger.events()
    for _ in range(1000):
        with socket.create_connection(("127.0.0.1", served), timeout=60) as line:
            line.sendall(malformed(dice))
    answer = httpx.get(f"http://127.0.0.1:{served}/api/state", headers=ALLOWED, timeout=120)
    assert answer.status_code == 200 and answer.json()["images"] == 40
    assert project.ledger.events() == before


def test_states_are_sent_to_whoever_listens(project, served):
    with httpx.stream("GET", f"http://127.0.0.1:{served}/api/events", headers=ALLOWED, timeout=120) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        assert next(lines) == "retry: 1000"
        project.add_class("mauve", "ann")
        data = next(line for line in lines if line.startswith("data: "))
    assert '"mauve"' in data


@pytest.mark.parametrize("address", ["/?token=wrong", "/api/state", "/files/labels.csv"])
def test_who_opens_it_in_a_browser_without_the_token_reads_a_page(visitor, address):
    visitor.client.headers.pop("authorization")
    seen = visitor.get(address, headers={"accept": "text/html,application/xhtml+xml"})
    assert seen.status_code == 401 and seen.headers["content-type"].startswith("text/html")
    assert "Open the link that" in seen.text and "error" not in seen.text
    told = visitor.get(address, headers={"accept": "*/*"})
    assert told.status_code == 401 and "error" in told.json(), "a program is answered as before"
