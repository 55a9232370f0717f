"""``label-studio`` and ``serve``: what is said, and what is refused."""

from __future__ import annotations

import queue

import pytest

from ncenet.errors import UsageError
from ncenet.files import alone
from ncenet.label_studio.backend import backend_token
from ncenet.ledger.provenance import INITIAL
from ncenet.types import Query
from tests.label_studio.fake import TOKEN, FakeLabelStudio, serving
from tests.labels.make import new_run, photos, standing


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", TOKEN)
    run = new_run(tmp_path / "run", photos(tmp_path / "photos"))
    run.ledger.record_query(0, INITIAL, Query(("b.jpg", "a.jpg"), (0.0, 0.0)))
    yield run
    run.ledger.close()


def test_there_and_back(ncenet, run):
    studio = FakeLabelStudio()
    with serving(studio) as url:
        done = ncenet("label-studio", "push", "run", "--url", url)
        assert done.out.splitlines() == [
            "2 images are tasks of project 1 now", f"Label at  {url}/projects/1/data",
        ]  # fmt: skip
        done = ncenet("label-studio", "push", "run", "--url", url, "--all")
        assert "2 images are tasks of project 1 now, 2 were there already" in done.out
        studio.annotate("b.jpg", "ant")
        done = ncenet("label-studio", "pull", "run", "--url", url, "--dry-run")
        assert done.out.split() == ["1", "new", "nothing", "was", "recorded:", "a", "dry", "run"]
        assert standing(run) == {}
        done = ncenet("label-studio", "pull", "run", "--url", url, "--who", "eve")
        assert done.out.split() == ["1", "new", "1", "answer", "recorded"]
        assert standing(run)["b.jpg"][:3] == ("answer", "ant", "eve")
        studio.annotate("b.jpg", "bee")
        done = ncenet("label-studio", "pull", "run", "--url", url)
        assert done.code == 1 and "choose with --on-conflict" in done.said
        done = ncenet("label-studio", "pull", "run", "--url", url, "--on-conflict", "replace")
        assert standing(run)["b.jpg"][:3] == ("answer", "bee", "ann@example.org")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("label-studio push nowhere", 2, "nowhere: no run here"),
        ("label-studio push run --dry-run", 2, "--who, --on-conflict and --dry-run are for pull"),
        ("label-studio pull run --all", 2, "--all is for push"),
        ("label-studio fetch run", 2, "push"),
        ("label-studio push run --url http://127.0.0.1:9", 1, "no Label Studio answers there"),
        ("serve run", 2, "say for whom: --label-studio"),
        ("serve nowhere --label-studio", 2, "nowhere: no run here"),
        ("serve run --label-studio --port 0", 2, "--port: 0 is below 1"),
    ],
)
def test_wrong_usage(ncenet, run, words, code, message):
    done = ncenet(*words.split())
    assert (done.code, message in done.said) == (code, True), done.err


def test_without_a_token(ncenet, run, monkeypatch):
    monkeypatch.delenv("LABEL_STUDIO_API_KEY")
    done = ncenet("label-studio", "push", "run")
    assert done.code == 2
    assert (
        "put an access token of http://localhost:8080 into the environment variable LABEL_STUDIO" in done.said
    )


def test_serving_says_where(ncenet, run, monkeypatch):
    connections = pytest.importorskip("ncenet.doors.connections")
    served = []
    monkeypatch.setattr(
        connections, "serve_app", lambda app, door: served.append(door.getsockname()) or door.close()
    )
    monkeypatch.delenv("LABEL_STUDIO_API_KEY")
    done = ncenet("serve", "run", "--label-studio", "--port", 9123)
    assert done.code == 0, done.err
    address = done.out.split("Address for Label Studio  ")[1].strip()
    assert address.startswith("http://127.0.0.1:9123/") and len(address.rsplit("/", 1)[1]) >= 20
    assert served == [("127.0.0.1", 9123)]
    assert ncenet("serve", "run", "--label-studio", "--port", 9123).out.endswith(f"{address}\n")
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", TOKEN)
    told = ncenet("serve", "run", "--label-studio", "--port", 9123).out
    assert "LABEL_STUDIO_API_KEY goes to nobody: with --url the project" in told


def test_training_at_its_button_has_the_folder_to_itself(ncenet, run, monkeypatch):
    connections = pytest.importorskip("ncenet.doors.connections")
    client = pytest.importorskip("fastapi.testclient")
    monkeypatch.setattr("ncenet.files.PATIENCE", 0.0)
    others = queue.Queue()

    def train(recipe, folder):
        try:
            with alone(folder):
                others.put("another process gets in")
        except UsageError as error:
            others.put(str(error))
        raise UsageError("trained enough")

    def press(app, door):
        door.close()
        address = f"http://127.0.0.1/{backend_token(run.folder)}/webhook"
        assert client.TestClient(app).post(address, json={"action": "START_TRAINING"}).status_code == 200

    monkeypatch.setattr("ncenet.loop.open.open_loop", train)
    monkeypatch.setattr(connections, "serve_app", press)
    assert ncenet("serve", "run", "--label-studio").code == 0
    assert "another ncenet is at work in this folder" in others.get(timeout=60)
