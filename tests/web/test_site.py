"""Several projects under one address."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from ncenet.doors.annotators import Annotators
from ncenet.doors.names import Names
from ncenet.doors.public import PublicUrl
from ncenet.web.serve import open_project
from ncenet.web.site import build_site, rooms, token_of_all
from tests.web.conftest import HOST, IdleTrainer, truth


@pytest.fixture
def two(recipe, tmp_path):
    """Two runs, one of whose names is none that an address can hold."""
    projects = [
        open_project(recipe, tmp_path / name, you="ann", trains=IdleTrainer) for name in ("pets", "my cars")
    ]
    yield rooms(projects)
    for project in projects:
        project.close()


def visitor(rooms, public=None, token=None):
    names = Names(["127.0.0.1", *([public.host] if public else [])])
    headers = {"authorization": f"Bearer {token or token_of_all(rooms)}"}
    site = build_site(rooms, names=names, public=public)
    return TestClient(site, base_url=f"http://{HOST}", headers=headers, follow_redirects=False)


def test_the_start_page_leads_to_each_and_tells_strangers_nothing(two):
    client = visitor(two)
    page = client.get("/", headers={"authorization": ""})
    assert page.status_code == 200 and "Projects" in page.text and "my cars" not in page.text
    assert client.get("/api/projects", headers={"authorization": ""}).status_code == 401
    told = client.get("/api/projects").json()["projects"]
    assert [each["link"].partition("#token=")[0] for each in told] == ["pets/", "my-cars/"]
    assert [(each["images"], each["answered"]) for each in told] == [(40, 0)] * 2
    assert token_of_all(two) == token_of_all(two[::-1]), "the link outlives a restart, in whatever order"


@pytest.mark.parametrize("prefix", ["", "/team"])
def test_each_project_is_below_its_name_and_opened_by_its_own_token(two, prefix):
    public = PublicUrl.parse("https://label.example.com/team/")
    pets, cars = two
    client = visitor(two, public, pets.token)
    assert client.get(f"{prefix}/pets?x=1").headers["location"] == "pets/?x=1"
    assert client.get(f"{prefix}/pets/").status_code == 200
    assert client.get(f"{prefix}/pets/assets/main.js").status_code == 200
    assert client.get(f"{prefix}/pets/api/state").json()["title"] == "photos"
    assert client.get(f"{prefix}/my-cars/api/state").status_code == 401, "a token opens one project"
    assert client.get(f"{prefix}/api/projects").status_code == 401
    link = client.get(f"{prefix}/pets/?token={pets.token}")
    assert (link.status_code, link.headers["location"]) == (303, f"./#token={pets.token}")
    message = {"window": "window-1", "who": "ann", "want": 1}
    origin = {"origin": public.origin}
    (turn,) = client.post(f"{prefix}/pets/api/turns", json=message, headers=origin).json()["turns"]
    entry = {"key": "key-00000001", "id": turn["id"], "kind": "answer", "label": truth(turn["id"])}
    parcel = {"who": "ann", "entries": [entry]}
    assert client.post(f"{prefix}/pets/api/answers", json=parcel, headers=origin).status_code == 200
    assert len(pets.project.ledger.events()) == 1 and cars.project.ledger.events() == []
    foreign = client.post(
        f"{prefix}/pets/api/answers", json=parcel, headers={"origin": "https://evil.example"}
    )
    assert foreign.status_code == 403


def test_a_link_of_an_annotator_opens_one_project(two):
    pets, _ = two
    key = Annotators(pets.project.folder).add(["anna"])["anna"]
    client = visitor(two, token=key)
    assert client.get("/pets/api/state").json()["signedIn"] == "anna"
    assert client.get("/my-cars/api/state").status_code == 401
    assert client.get("/api/projects").status_code == 401


@pytest.mark.parametrize("path", ["/nothing", "/nothing/api/state", "/pets/../my-cars/x", "/assets/x"])
def test_no_other_path_leads_anywhere(two, path):
    assert visitor(two).get(path).status_code in (401, 404)
