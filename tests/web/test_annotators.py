"""Whoever comes by a link of their own: in whose name they answer, and how it ends."""

from __future__ import annotations

import json
import socket
import typing

import httpx
import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from ncenet.doors.annotators import Annotators
from ncenet.doors.names import Names
from ncenet.web.api import build_app
from ncenet.web.guard import Guard
from tests.web.conftest import ALLOWED, HOST, TOKEN, truth
from tests.web.served import serving


@pytest.fixture
def door(project):
    """The page, with links."""
    links = Annotators(project.folder)
    return Guard(build_app(project), token=TOKEN, names=Names(["127.0.0.1"]), annotators=links)


@pytest.fixture
def anna(door, project):
    """A client that holds a link of its own."""
    key = Annotators(project.folder).add(["anna"])["anna"]
    headers = {"authorization": f"Bearer {key}", "origin": f"http://{HOST}"}
    client = TestClient(door, base_url=f"http://{HOST}", headers=headers, follow_redirects=False)
    client.key = key
    return client


def entry(turn, number=1):
    id = turn["id"]
    return {"key": f"key-{number:08}", "id": id, "kind": "answer", "label": truth(id), "hash": turn["hash"]}


def test_answers_go_by_the_name_of_the_link_whatever_the_page_says(anna, project):
    assert anna.get("/api/state").json()["signedIn"] == "anna"
    message = {"window": "window-1", "who": "ben", "want": 1}
    (turn,) = anna.post("/api/turns", json=message).json()["turns"]
    assert anna.post("/api/answers", json={"who": "ben", "entries": [entry(turn)]}).status_code == 200
    assert [(event.who, event.id) for event in project.ledger.events()] == [("anna", turn["id"])]
    assert [said["id"] for said in anna.post("/api/mine", json={"who": "ben"}).json()["answers"]] == [
        turn["id"]
    ]
    anna.post("/api/classes", json={"who": "ben", "name": "mauve"})
    anna.post("/api/classes/change", json={"who": "ben", "kind": "rename", "name": "mauve", "into": "pink"})
    assert [change.who for change in project.ledger.classes.changes()] == ["anna"]


def test_whoever_started_the_page_names_annotators_as_before(anna, door):
    owner = TestClient(door, base_url=f"http://{HOST}", headers=ALLOWED)
    assert owner.get("/api/state").json()["signedIn"] is None


def test_a_revoked_link_opens_nothing_from_that_moment_on(anna, project):
    (turn,) = anna.post("/api/turns", json={"window": "window-1", "who": "x", "want": 1}).json()["turns"]
    paths = ("/api/state", f"/images/view/{turn['hash']}?token={anna.key}", f"/?token={anna.key}")
    assert [anna.get(path).status_code for path in paths] == [200, 200, 303]
    assert anna.get(paths[2]).headers["location"] == f"./#token={anna.key}"
    Annotators(project.folder).revoke(["anna"])
    for path in paths:
        answer = anna.get(path)
        assert answer.status_code == 401 and "this link was revoked" in answer.json()["error"], path
    told = anna.post("/api/answers", json={"who": "anna", "entries": [entry(turn)]})
    assert told.status_code == 401 and project.ledger.events() == []
    page = anna.get(paths[2], headers={"accept": "text/html"})
    assert page.status_code == 401 and "revoked" in page.text


def test_the_news_of_a_page_that_is_open_end_with_its_link(door, anna, project):
    with serving(door) as port:
        address = f"http://127.0.0.1:{port}/api/events?token={anna.key}"
        with httpx.stream("GET", address, timeout=120) as stream:
            lines = stream.iter_lines()
            assert next(lines) == "retry: 1000"
            project.add_class("mauve", "ann")
            assert "mauve" in next(line for line in lines if line.startswith("data: "))
            Annotators(project.folder).revoke(["anna"])
            project.add_class("secret", "ann")
            assert not [line for line in lines if "secret" in line], "nothing is told any more"


@pytest.mark.parametrize("chunked", [False, True])
def test_a_request_that_came_in_while_its_link_was_revoked_changes_nothing(door, anna, project, chunked):
    (turn,) = anna.post("/api/turns", json={"window": "window-1", "who": "x", "want": 1}).json()["turns"]
    body = json.dumps({"who": "anna", "entries": [entry(turn)]}).encode()
    first, last = body[:20], body[20:]
    size = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
    if chunked:
        first, last = (b"%x\r\n%s\r\n" % (len(part), part) for part in (first, last))
        last += b"0\r\n\r\n"
    head = f"POST /api/answers HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {anna.key}\r\n{size}\r\n"
    with serving(door) as port, socket.create_connection(("127.0.0.1", port), timeout=60) as sent:
        sent.sendall(head.encode() + b"Content-Type: application/json\r\nConnection: close\r\n\r\n" + first)
        held = {"authorization": f"Bearer {anna.key}"}
        other = httpx.get(f"http://127.0.0.1:{port}/api/state", headers=held, timeout=60)
        assert other.status_code == 200, "by then the first one has its head read, and waits for the rest"
        Annotators(project.folder).revoke(["anna"])
        sent.sendall(last)
        answer = b"".join(iter(lambda: sent.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 401 ") and b"this link was revoked" in answer
    assert project.ledger.events() == []


def test_no_message_that_names_its_annotator_passes_by_the_link(project):
    """Whatever the page learns to send later: a route that reads ``who`` reads that of the link."""
    routes = [route for route in build_app(project).routes if isinstance(route, APIRoute)]
    signed = {}
    for route in routes:
        message = typing.get_type_hints(route.endpoint).get("message")
        if (
            message is not None
            and "who" in message.model_fields
            and message.model_fields["who"].is_required()
        ):
            signed[route.path] = "in_the_name_of" in route.endpoint.__code__.co_names
    assert {"/api/turns", "/api/answers", "/api/classes", "/api/note", "/api/group"} <= signed.keys()
    assert all(signed.values()), signed
