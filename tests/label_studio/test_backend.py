"""The ML backend: Label Studio's requests, as it sends them, and what they do."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

from ncenet.data.pools import FolderPool
from ncenet.doors.names import Names
from ncenet.errors import DataError, UsageError
from ncenet.functional.scores import rejection
from ncenet.label_studio.app import make_app
from ncenet.label_studio.backend import MlBackend, backend_token, lowest_first
from ncenet.label_studio.client import Client
from ncenet.label_studio.exchange import LINK, push, remember
from ncenet.label_studio.tasks import label_config
from ncenet.learners.classifier import Classifier
from ncenet.ledger.provenance import INITIAL
from ncenet.recipe import DataRecipe, ModelRecipe, TrainRecipe
from ncenet.rng import Streams
from ncenet.types import LabeledSet, Query
from tests.label_studio.fake import OWN, TOKEN, FakeLabelStudio, serving
from tests.labels.make import CLASSES, new_run, photos, standing

testclient = pytest.importorskip("fastapi.testclient")
SECRET = "a-secret-of-these-tests"
CONFIG = label_config(CLASSES, "classification")


@pytest.fixture
def run(tmp_path):
    run = new_run(tmp_path / "run", photos(tmp_path / "photos"))
    yield run
    run.ledger.close()


def train(run, cycle):
    """A model of a cycle, as a run leaves it."""
    model = ModelRecipe(backbone="mlp")
    learner = Classifier(model, TrainRecipe(epochs=1, min_steps=2), DataRecipe(image_size=8), Streams(cycle))
    pool = FolderPool(run.folder.parent / "photos")
    learner.fit(LabeledSet(["a.jpg", "b.jpg"], ["ant", "bee"], CLASSES), pool, cycle=cycle)
    folder = run.folder / "cycles" / f"{cycle:03d}"
    folder.mkdir(parents=True)
    learner.save(folder / "model.safetensors")
    return learner


def web(backend):
    return testclient.TestClient(make_app(backend, SECRET), raise_server_exceptions=False)


def task(number, **data):
    return {"id": number, "data": data, "project": 1}


def annotation(label="ant", **changes):
    result = [{"from_name": "class", "to_name": "image", "type": "choices", "value": {"choices": [label]}}]
    return {"id": 1, "result": result, "was_cancelled": False, "completed_by": 7, **changes}


def test_only_who_knows_the_address_gets_in(run):
    visitor = web(MlBackend(run))
    assert visitor.get(f"/{SECRET}/health").json()["status"] == "UP"
    for path in ("/health", "/", "/wrong/health", "/docs", "/openapi.json"):
        assert visitor.get(path).status_code == 404
    assert backend_token(run.folder) == backend_token(run.folder), "Label Studio keeps the address"
    assert len(backend_token(run.folder)) >= 20


def test_setup_names_the_model_and_refuses_other_classes(run):
    visitor = web(MlBackend(run))
    request = {"project": "1.1764000000", "schema": CONFIG, "hostname": "http://localhost:8080",
               "access_token": "x", "extra_params": None}  # fmt: skip
    assert visitor.post(f"/{SECRET}/setup", json=request).json() == {"model_version": "no model"}
    train(run, 1)
    train(run, 12)
    assert visitor.post(f"/{SECRET}/setup", json=request).json() == {"model_version": "cycle 12"}
    assert visitor.get(f"/{SECRET}/versions").json() == {"versions": ["cycle 12"]}
    refused = visitor.post(f"/{SECRET}/setup", json=request | {"schema": CONFIG.replace("bee", "cow")})
    assert refused.status_code == 400
    assert refused.json() == {"error": "the labelling page offers ant, cow, and the run has ant, bee"}
    empty = visitor.post(f"/{SECRET}/setup", json={})
    assert empty.json() == {"error": "the labelling page offers no classes, and the run has ant, bee"}
    assert visitor.post(f"/{SECRET}/setup", json=request | {"schema": OWN}).status_code == 200


class TestPredict:
    def test_the_most_informative_image_has_the_lowest_score(self, run):
        run = type(run)(run.folder, run.recipe.with_changes({"loop.strategy": "rejection"}), run.ledger)
        learner = train(run, 1)
        ids = ["sub/c.jpg", "a.jpg", "b.jpg"]
        request = {"tasks": [task(n, ncenet_id=id) for n, id in enumerate(ids)], "label_config": CONFIG}
        results = web(MlBackend(run)).post(f"/{SECRET}/predict", json=request).json()["results"]
        pool = FolderPool(run.folder.parent / "photos")
        (expected,) = learner.predict(pool, ids, want=frozenset({"probs"}))
        ours = rejection(expected.probs)
        np.testing.assert_array_equal(np.argsort([r["score"] for r in results]), np.argsort(-ours.numpy()))
        for result, best in zip(results, expected.probs.argmax(-1).tolist(), strict=True):
            assert result["model_version"] == "cycle 1"
            assert result["result"][0]["value"] == {"choices": [CLASSES[best]]}

    def test_a_strategy_that_ranks_no_images_is_followed_by_confusion(self, run):
        assert run.recipe.loop.strategy == "random"
        train(run, 1)
        (result,) = MlBackend(run).predict({"tasks": [task(1, ncenet_id="a.jpg")]})
        assert 0 < result["score"] < 1

    def test_a_new_model_is_taken_up(self, run):
        backend = MlBackend(run)
        train(run, 1)
        (first,) = backend.predict({"tasks": [task(1, ncenet_id="a.jpg")]})
        train(run, 2)
        (second,) = backend.predict({"tasks": [task(1, ncenet_id="a.jpg")]})
        assert (first["model_version"], second["model_version"]) == ("cycle 1", "cycle 2")
        assert first["score"] != second["score"]

    def test_images_are_known_by_id_or_by_the_name_of_their_file(self, run):
        train(run, 1)
        tasks = [
            task(1, ncenet_id="b.jpg", image="/data/upload/1/0a1b2c3d-zzz.jpg"),
            task(2, image="/data/upload/1/0a1b2c3d-b.jpg"),
            task(3, image="https://example.org/c.jpg"),
            task(4, image="/data/upload/1/0a1b2c3d-a.jpg"),  # there are two of this name
            task(5, ncenet_id="../b.jpg"),
            task(6),
        ]
        results = MlBackend(run).predict({"tasks": tasks})
        assert [bool(result["result"]) for result in results] == [True, True, True, False, False, False]
        assert results[0]["score"] == pytest.approx(results[1]["score"])

    def test_before_there_is_a_model(self, run):
        results = MlBackend(run).predict({"tasks": [task(1, ncenet_id="a.jpg")]})
        assert results == [{"result": [], "model_version": "no model"}]

    def test_a_project_with_names_of_its_own_is_answered_in_them(self, run):
        train(run, 1)
        tasks = [task(1, picture="/data/upload/1/0a1b2c3d-b.jpg"), task(2, image="b.jpg")]
        told, unknown = MlBackend(run).predict({"tasks": tasks, "label_config": OWN})
        (result,) = told["result"]
        assert (result["from_name"], result["to_name"]) == ("animal", "photo")
        assert unknown["result"] == [], "the page shows what stands under picture"
        (ours,) = MlBackend(run).predict({"tasks": [task(1, image="b.jpg")]})
        assert (ours["result"][0]["from_name"], ours["result"][0]["to_name"]) == ("class", "image")

    @pytest.mark.parametrize(
        ("request_", "message"),
        [
            ({"tasks": "x"}, "the tasks are no JSON list"),
            ({"tasks": ["x"]}, "a task is no JSON object"),
            ({"tasks": [{"data": "x"}]}, "the data of a task is no JSON object"),
            ({"tasks": [], "label_config": "<View>"}, "the label configuration is not XML"),
            ({"tasks": [], "label_config": "<View/>"}, "the labelling page offers no classes"),
        ],
    )
    def test_what_cannot_be_read_is_refused_in_words(self, run, request_, message):
        answer = web(MlBackend(run)).post(f"/{SECRET}/predict", json=request_)
        assert answer.status_code == 400 and message in answer.json()["error"]

    @pytest.mark.parametrize("request_", [{}, {"tasks": []}, {"tasks": None}])
    def test_nothing_is_asked(self, run, request_):
        assert web(MlBackend(run)).post(f"/{SECRET}/predict", json=request_).json() == {"results": []}


def test_scores_keep_their_order_to_the_far_end():
    scores = [-3.0, -0.5, 0.0, 0.2, 9.99, 10.0, 99.9, 100.0]
    mapped = [lowest_first(score) for score in scores]
    assert mapped == sorted(mapped, reverse=True) and 0 < min(mapped) < max(mapped) < 1
    assert len(set(mapped)) == len(mapped)


class TestWebhook:
    def post(self, backend, **request):
        answer = web(backend).post(f"/{SECRET}/webhook", json=request)
        assert answer.status_code == 200, answer.text
        return answer.json()["recorded"]

    def test_annotations_are_recorded_at_once_and_once(self, run):
        backend = MlBackend(run)
        about = task(1, ncenet_id="a.jpg")
        for recorded in (1, 0):
            sent = {"action": "ANNOTATION_CREATED", "task": about, "annotation": annotation()}
            assert self.post(backend, **sent, project={"id": 1}) == recorded
        assert standing(run)["a.jpg"][:3] == ("answer", "ant", "annotator 7")
        corrected = annotation("bee", completed_by=8)
        assert self.post(backend, action="ANNOTATION_UPDATED", task=about, annotation=corrected) == 1
        assert standing(run)["a.jpg"][:3] == ("answer", "bee", "annotator 8")
        skipped = annotation(result=[], was_cancelled=True)
        sent = {"action": "ANNOTATION_CREATED", "task": task(2, ncenet_id="b.jpg"), "annotation": skipped}
        assert self.post(backend, **sent) == 1
        assert standing(run)["b.jpg"][0] == "skip"

    def test_what_was_recorded_is_known_after_a_restart(self, run):
        """Messages come twice and late; another server of ours takes back what the first one recorded."""
        made = {
            "action": "ANNOTATION_CREATED",
            "task": task(1, ncenet_id="a.jpg"),
            "annotation": annotation(),
        }
        gone = {"action": "ANNOTATIONS_DELETED", "annotations": [{"id": 1}]}
        assert [self.post(MlBackend(run), **made) for _ in range(3)] == [1, 0, 0]
        other = made | {"task": task(2, ncenet_id="b.jpg"), "annotation": annotation("bee", id=2)}
        assert self.post(MlBackend(run), **other) == 1
        assert [self.post(MlBackend(run), **gone) for _ in range(3)] == [1, 0, 0]
        assert list(standing(run)) == ["b.jpg"]
        told = []
        late = MlBackend(run, tell=told.append).webhook(made)
        assert late.recorded == 0 and "annotation 1 of 'a.jpg' was deleted there" in told[0]
        assert list(standing(run)) == ["b.jpg"]

    def test_a_deletion_takes_back_its_own_answer_alone(self, run):
        made = {
            "action": "ANNOTATION_CREATED",
            "task": task(1, ncenet_id="a.jpg"),
            "annotation": annotation(),
        }
        assert self.post(MlBackend(run), **made) == 1
        run.tell({"a.jpg": "bee"}, who="bob")
        assert self.post(MlBackend(run), action="ANNOTATIONS_DELETED", annotations=[{"id": 1}]) == 0
        assert standing(run)["a.jpg"][:3] == ("answer", "bee", "bob")

    def test_annotators_have_names_when_the_server_may_be_asked(self, run):
        with serving(FakeLabelStudio()) as url:
            backend = MlBackend(run, client=Client(url, TOKEN))
            sent = {"task": task(1, ncenet_id="a.jpg"), "annotation": annotation()}
            assert self.post(backend, action="ANNOTATION_CREATED", **sent) == 1
        assert standing(run)["a.jpg"][2] == "ann@example.org"

    @pytest.mark.parametrize(
        "request_",
        [{"action": "TASKS_CREATED", "tasks": []}, {"action": "ANNOTATIONS_DELETED", "annotations": [1]}, {},
         {"action": "ANNOTATION_CREATED", "task": {"id": 1, "data": {}}, "annotation": {"result": []}}],
    )  # fmt: skip
    def test_what_does_not_concern_us_records_nothing(self, run, request_):
        assert self.post(MlBackend(run), **request_) == 0
        assert standing(run) == {}

    def test_a_class_that_is_none_is_refused(self, run):
        sent = {
            "action": "ANNOTATION_CREATED",
            "task": task(1, ncenet_id="a.jpg"),
            "annotation": annotation("cow"),
        }
        answer = web(MlBackend(run)).post(f"/{SECRET}/webhook", json=sent)
        assert answer.status_code == 400 and "unknown class: 'a.jpg': cow" in answer.json()["error"]
        assert standing(run) == {}

    def test_answers_to_another_question_of_the_project_are_left_alone(self, run):
        light = annotation("day")["result"][0] | {"from_name": "light"}
        animal = annotation("bee")["result"][0] | {"from_name": "animal"}
        sent = {"action": "ANNOTATION_CREATED", "project": {"id": 1, "label_config": OWN}}
        about = task(1, ncenet_id="a.jpg")
        assert self.post(MlBackend(run), **sent, task=about, annotation=annotation(result=[light])) == 0
        assert (
            self.post(MlBackend(run), **sent, task=about, annotation=annotation(result=[light, animal])) == 1
        )
        assert standing(run)["a.jpg"][1] == "bee"

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"task": "x"}, "the task is no JSON object"),
            ({"annotation": ["x"]}, "the annotation is no JSON object"),
            ({"project": 1}, "the project is no JSON object"),
            ({"task": {"id": 1, "data": "x"}}, "the data of a task is no JSON object"),
            ({"annotation": {"result": ["x"]}}, "'a.jpg': not a result of Label Studio"),
            ({"annotation": {"result": [{"type": "choices"}]}}, "'a.jpg': not a result of Label Studio"),
        ],
    )
    def test_what_cannot_be_read_is_refused_in_words(self, run, changes, message):
        sent = {"task": task(1, ncenet_id="a.jpg"), "annotation": annotation()} | changes
        answer = web(MlBackend(run)).post(f"/{SECRET}/webhook", json={"action": "ANNOTATION_CREATED", **sent})
        assert answer.status_code == 400 and message in answer.json()["error"]
        assert standing(run) == {}

    @pytest.mark.parametrize("odd", [[], {}, [[1]], {"a": 1}, None, "7", 1.5, "", 2**70, True])
    @pytest.mark.parametrize("action", ["ANNOTATION_CREATED", "ANNOTATIONS_CREATED", "ANNOTATIONS_DELETED"])
    @pytest.mark.parametrize("where", ["task", "annotation"])
    def test_odd_numbers_of_tasks_and_annotations_are_refused_or_passed_over(self, run, odd, action, where):
        about, said = task(1, ncenet_id="a.jpg"), annotation()
        (about if where == "task" else said)["id"] = odd
        several = action != "ANNOTATION_CREATED"
        sent = {"tasks": [about], "annotations": [said]} if several else {"task": about, "annotation": said}
        answer = web(MlBackend(run)).post(f"/{SECRET}/webhook", json={"action": action, **sent})
        assert answer.status_code in (200, 400), answer.text
        if where == "annotation" and not isinstance(odd, int):
            assert "an annotation has the id" in answer.text and standing(run) == {}
        elif action != "ANNOTATIONS_DELETED" and where == "annotation" and odd is not True:
            assert standing(run)["a.jpg"][1] == "ant"

    def test_what_is_no_json_is_refused(self, run):
        assert web(MlBackend(run)).post(f"/{SECRET}/webhook", content=b"{").status_code == 422


class TestTraining:
    def wait(self, reached):
        until = time.monotonic() + 30
        while not reached() and time.monotonic() < until:
            time.sleep(0.01)
        assert reached()

    def test_the_button_trains_and_the_project_follows_the_new_model(self, run):
        run.ledger.record_query(0, INITIAL, Query(("b.jpg",), (0.0,)))
        studio = FakeLabelStudio()
        with serving(studio) as url:
            client = Client(url, TOKEN)
            push(run, client)
            backend = MlBackend(run, lambda: train(run, 1), client)
            assert backend.webhook({"action": "START_TRAINING", "project": {"id": 1}}).recorded == 0
            self.wait(lambda: studio.projects[1]["model_version"] == "cycle 1")
            backend.follow()
            assert studio.calls.count("POST /api/dm/actions") == 1, "once for each model"
        assert backend.failure is None

    def test_a_training_that_fails_is_told(self, run):
        def fail():
            raise UsageError("nothing to learn from")

        backend = MlBackend(run, fail)
        backend.webhook({"action": "START_TRAINING"})
        self.wait(lambda: backend.failure is not None)
        assert web(backend).get(f"/{SECRET}/health").json()["failure"] == "nothing to learn from"


class TestDoor:
    """Who is let in, and how much may be sent."""

    @pytest.mark.parametrize("token", ["", "short", "with/slash" * 3])
    def test_no_backend_stands_without_a_token(self, run, token):
        with pytest.raises(UsageError, match="the backend holds no token"):
            make_app(MlBackend(run), token)

    @pytest.mark.parametrize("left", ["", None, 7, "x", ["a" * 40]])
    def test_a_folder_that_remembers_no_token_is_refused(self, run, left):
        remember(run.folder, token=left)
        with pytest.raises(UsageError, match=r"label-studio\.json holds no token but"):
            backend_token(run.folder)

    @pytest.mark.parametrize("damage", ["", "{", "[1]", "null"])
    def test_a_damaged_memory_is_named(self, run, damage):
        (run.folder / LINK).write_text(damage)
        with pytest.raises(DataError, match=r"label-studio\.json: damaged: .+; remove it"):
            backend_token(run.folder)

    def test_a_foreign_name_is_none_of_ours_unless_it_is_added(self, run):
        names = Names.of("127.0.0.1", ["host.docker.internal"])
        visitor = testclient.TestClient(make_app(MlBackend(run), SECRET, names))
        for host, status in (
            ("127.0.0.1:9090", 200),
            ("host.docker.internal:9090", 200),
            ("evil.example", 421),
        ):
            answer = visitor.get(f"/{SECRET}/health", headers={"host": host})
            assert answer.status_code == status, host
        assert "start it with that name too" in answer.json()["error"]

    def test_too_much_is_refused_before_it_is_read(self, run):
        visitor = web(MlBackend(run))
        answer = visitor.post(f"/{SECRET}/webhook", content=b"{}", headers={"content-length": "60000000"})
        assert answer.status_code == 413 and "16,000,000 bytes at most" in answer.json()["error"]
        answer = visitor.post(f"/{SECRET}/webhook", content=(b"x" * 2_000_000 for _ in range(9)))
        assert answer.status_code == 413 and "16,000,000 bytes at most" in answer.json()["error"], "in chunks"
        for path in ("/wrong/webhook", "//webhook", "/webhook", f"/{SECRET}x/webhook"):
            answer = visitor.post(path, content=b"{}", headers={"content-length": "60000000"})
            assert answer.status_code == 404, "whoever doesn't know the address is told nothing"

    @pytest.mark.parametrize(
        "by",
        [True, [], {}, [7], {"id": []}, {"email": 7}, {"email": "\ud800"}, {"id": {"a": 1}}, "", "\udc00",
         "x" * 9999, -1, 2**80, 1.5, {"email": "a\nb"}, None],
    )  # fmt: skip
    @pytest.mark.parametrize("action", ["ANNOTATION_CREATED", "ANNOTATION_UPDATED"])
    def test_odd_annotators_are_refused_or_have_a_name(self, run, by, action):
        sent = {
            "action": action,
            "task": task(1, ncenet_id="a.jpg"),
            "annotation": annotation(completed_by=by),
        }
        answer = web(MlBackend(run)).post(
            f"/{SECRET}/webhook", content=json.dumps(sent), headers={"content-type": "application/json"}
        )
        assert answer.status_code in (200, 400), answer.text
        if answer.status_code == 200:
            assert 0 < len(standing(run)["a.jpg"][2]) <= 254
        else:
            assert "the annotator" in answer.json()["error"] and standing(run) == {}

    def test_an_answer_counts_although_nobody_tells_the_name(self, run):
        with serving(FakeLabelStudio()) as url:
            backend = MlBackend(run, client=Client(url, "wrong"))
            sent = {"task": task(1, ncenet_id="a.jpg"), "annotation": annotation()}
            assert backend.webhook({"action": "ANNOTATION_CREATED", **sent}).recorded == 1
        assert standing(run)["a.jpg"][2] == "annotator 7" and "refuses the token" in backend.failure
