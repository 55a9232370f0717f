"""Behind a proxy: a name, a sub-path and TLS of somebody else, with the samples of docs/teams.md."""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from ncenet.doors.names import Names
from ncenet.doors.public import PublicUrl
from ncenet.web.api import build_app
from ncenet.web.guard import Guard
from tests.web.conftest import ALLOWED, TOKEN, truth
from tests.web.served import serving

DEFAULT = os.environ.get("PATH", os.defpath)
SAMPLES = Path(__file__).parents[2] / "docs" / "proxies"
PUBLIC = PublicUrl.parse("https://label.example.com/pets/")


@pytest.fixture
def behind(project):
    """A client that says what it likes, of a page that a proxy shows."""
    names = Names(["127.0.0.1", PUBLIC.host])
    app = Guard(build_app(project), token=TOKEN, names=names, public=PUBLIC)
    return TestClient(app, base_url="http://127.0.0.1:8765", headers=ALLOWED, follow_redirects=False)


@pytest.mark.parametrize("host", ["label.example.com", "label.example.com:443", "127.0.0.1:8765"])
@pytest.mark.parametrize("path", ["/pets/api/turns", "/api/turns"])
def test_the_public_origin_changes_things_however_the_proxy_passes_it_on(behind, host, path):
    message = {"window": "window-1", "who": "ann", "want": 1}
    headers = {"host": host, "origin": "https://label.example.com"}
    assert behind.post(path, json=message, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("label.example.com", "http://label.example.com"),  # a page that was changed on the way
        ("label.example.com", "https://label.example.com:8443"),
        ("label.example.com", "https://evil.example"),
        ("127.0.0.1:8765", "https://evil.example"),
        ("127.0.0.1:8765", "https://127.0.0.1:8765"),
    ],
)
def test_no_other_origin_does_whatever_it_says_of_itself(behind, host, origin):
    forged = {"x-forwarded-proto": "https", "x-forwarded-host": "evil.example", "forwarded": "proto=https"}
    message = {"window": "window-1", "who": "ann", "want": 1}
    answer = behind.post("/pets/api/turns", json=message, headers={"host": host, "origin": origin} | forged)
    assert answer.status_code == 403 and "changes come from this page alone" in answer.json()["error"]


def test_who_comes_directly_on_this_machine_is_let_in_as_before(behind):
    message = {"window": "window-1", "who": "ann", "want": 1}
    direct = {"origin": "http://127.0.0.1:8765"}
    assert behind.post("/api/turns", json=message, headers=direct).status_code == 200
    assert behind.get("/api/state", headers={"host": "evil.example"}).status_code == 421


def test_an_address_without_its_last_slash_leads_to_the_one_with_it(behind):
    answer = behind.get("/pets?token=abc", headers={"host": "label.example.com"})
    assert (answer.status_code, answer.headers["location"]) == (308, "pets/?token=abc")


def test_the_link_leads_below_the_public_path(behind):
    answer = behind.get(f"/pets/?token={TOKEN}", headers={"host": "label.example.com"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"./#token={TOKEN}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


def certificate(folder: Path) -> tuple[Path, Path]:
    key, cert = folder / "site.key", folder / "site.pem"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    words += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"]
    subprocess.run([*words, "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


def replaced(text: str, *pairs: tuple[str, object]) -> str:
    for old, new in pairs:
        assert old in text, f"the sample has no {old!r} any more"
        text = text.replace(old, str(new))
    return text


def nginx(folder: Path, port: int, page: int) -> list[str]:
    """The sample of the documentation with other places in it, and a frame that needs no root."""
    cert, key = certificate(folder)
    sample = replaced(
        (SAMPLES / "nginx.conf").read_text(),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("server_name label.example.com", "server_name localhost"),
        ("/etc/ssl/label.example.com.pem", cert),
        ("/etc/ssl/label.example.com.key", key),
        ("/var/log/nginx/label", folder / "label"),
        ("127.0.0.1:8765", f"127.0.0.1:{page}"),
    )
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    frame = f"daemon off;\npid {folder}/pid;\nerror_log {folder}/errors;\nevents {{}}\nhttp {{\n"
    (folder / "nginx.conf").write_text(f"{frame}{temporary}{sample}}}\n")
    return ["nginx", "-p", str(folder), "-e", str(folder / "errors"), "-c", str(folder / "nginx.conf")]


def caddy(folder: Path, port: int, page: int) -> list[str]:
    cert, key = certificate(folder)
    sample = replaced(
        (SAMPLES / "Caddyfile").read_text(),
        ("label.example.com {", f"https://localhost:{port} {{\n\tbind 127.0.0.1\n\ttls {cert} {key}"),
        ("127.0.0.1:8765", f"127.0.0.1:{page}"),
    )
    (folder / "Caddyfile").write_text("{\n\tadmin off\n\tauto_https disable_redirects\n}\n" + sample)
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


@pytest.fixture(params=[nginx, caddy], ids=["nginx", "caddy"])
def proxied(request, project, tmp_path, monkeypatch):
    """Address of the page behind a proxy that was set up as the documentation says."""
    needed = {request.param.__name__, "openssl"}
    if missing := sorted(name for name in needed if not shutil.which(name, path=f"{DEFAULT}:/usr/sbin")):
        pytest.skip(f"not installed here: {', '.join(missing)}")
    monkeypatch.setenv("PATH", f"{DEFAULT}:/usr/sbin")
    monkeypatch.setenv("HOME", str(tmp_path))
    port = free_port()
    public = PublicUrl.parse(f"https://localhost:{port}/pets/")
    app = Guard(build_app(project), token=TOKEN, names=Names(["127.0.0.1", "localhost"]), public=public)
    with serving(app) as page:
        words = request.param(tmp_path, port, page)
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            yield public, _there(process, port)
        finally:
            process.terminate()
            process.communicate(timeout=120)


def _there(process: subprocess.Popen[bytes], port: int) -> ssl.SSLContext:
    """Wait until it listens; how a client trusts its certificate."""
    until = time.monotonic() + 120
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            break
        except OSError:
            assert process.poll() is None and time.monotonic() < until, process.stdout.read().decode()
            time.sleep(0.02)
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    return trust


def test_labelling_through_the_samples_of_the_documentation(proxied, project, tmp_path):
    public, trust = proxied
    with httpx.Client(base_url=public.url, verify=trust, headers=ALLOWED, timeout=120) as client:
        link = client.get(public.url.rstrip("/"), params={"token": TOKEN}, follow_redirects=True)
        assert link.status_code == 200 and str(link.url).startswith(public.url)
        for asset in re.findall(r'(?:src|href)="([^"]+)"', link.text):
            assert client.get(asset).status_code == 200, asset
        message = {"window": "window-1", "who": "ann", "want": 1}
        origin = {"origin": public.origin}
        (turn,) = client.post("api/turns", json=message, headers=origin).json()["turns"]
        shown = client.get(
            f"images/view/{turn['hash']}", params={"token": TOKEN}, headers={"authorization": ""}
        )
        assert shown.headers["content-type"].startswith("image/")
        with client.stream("GET", "api/events", params={"token": TOKEN}) as news:
            lines = news.iter_lines()
            assert next(lines) == "retry: 1000", "nothing is held back on the way"
            entry = {"key": "key-00000001", "id": turn["id"], "kind": "answer", "label": truth(turn["id"])}
            told = client.post("api/answers", json={"who": "ann", "entries": [entry]}, headers=origin)
            assert told.json()["outcome"] == {"key-00000001": None}
            assert '"answered": 1' in next(line for line in lines if line.startswith("data: "))
        assert (
            client.post("api/turns", json=message, headers={"origin": "https://evil.example"}).status_code
            == 403
        )
    assert dict(project.ledger.labeled()) == {turn["id"]: truth(turn["id"])}
    for log in (*tmp_path.glob("*.log"), *tmp_path.glob("errors")):
        assert TOKEN not in log.read_text(), f"{log.name} holds the token"
