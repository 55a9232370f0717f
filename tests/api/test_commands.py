"""What the command line does, as functions: each is tried once, and its mistakes are told in its words."""

import asyncio
import contextlib
import json
import signal
import threading
import urllib.request

import numpy as np
import pytest

import ncenet
from ncenet.errors import DataError, UnknownName, UsageError
from tests.data.make import jpeg, write
from tests.features.conftest import cache, edges, in_torch, photos  # noqa: F401 - fixtures

QUICK = {"train.epochs": 1, "train.min_steps": 2, "train.batch_size": 8, "loop.held_out": 4}


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "photos", {f"{n}.jpg": jpeg(n) for n in range(30)})
    return tmp_path / "run"


def begun(folder, **parts):
    images = folder.parent / "photos"
    return ncenet.open(folder, images=images, classes=["ant", "bee"], recipe=QUICK, notify=False, **parts)


def learned(folder):
    """A run with a model, and with labels that one can see: of even numbers and odd ones."""
    run = begun(folder)
    for size in (4, 12):
        run.tell({id: ("ant", "bee")[int(id.split(".")[0]) % 2] for id in run.ask(size).ids})
    run.fit()
    return run


def scores(file, count=30):
    lines = [f"{n}.jpg,{1 - n / 100},{n / 100},{n % 3}\n" for n in range(count)]
    file.write_text("id,p_ant,p_bee,camera\n" + "".join(lines))
    return file


def test_a_query_from_files_of_scores_is_recorded_and_passes_answers_over(folder, tmp_path):
    file = scores(tmp_path / "scores.csv")
    with begun(folder) as run:
        run.tell(dict.fromkeys(run.ask().ids, "ant"))
        query = run.ask(3, scores=file, probs="p_*")
        wanted = [f"{n}.jpg" for n in range(29, 0, -1) if f"{n}.jpg" not in run.labels][:3]
        assert list(query.ids) == wanted and "<img" in query._repr_html_()
        run.tell(dict.fromkeys(query.ids, "bee"))
        by_camera = run.ask(6, scores=[file], probs="p_*", quota=["camera=1"])
        assert len(by_camera) == 3 and not set(by_camera.ids) & set(run.labels)
        assert ncenet.select(file, 3, probs="p_*", exclude=[folder], notify=False).ids != query.ids
        with pytest.raises(UnknownName, match="unknown argument 'qouta': did you mean 'quota'"):
            run.ask(3, scores=file, qouta=["camera=1"])
        with pytest.raises(UsageError, match="quota: of files of scores; name them as `scores`"):
            run.ask(3, quota=["camera=1"])
        with pytest.raises(UsageError, match=r"`seconds_per_image`, .* are for `minutes`"):
            run.ask(scores=file, probs="p_*", seconds_per_image=3)
        with pytest.raises(DataError, match=r"none of this run, the first '40\.jpg'"):
            run.ask(20, scores=scores(tmp_path / "more.csv", 41), probs="p_*")


def test_what_files_are_told_of_is_refused_with_arrays_and_the_other_way_round(tmp_path):
    file = scores(tmp_path / "scores.csv")
    with pytest.raises(UnknownName, match="unknown argument 'quotas'"):
        ncenet.select([[0.5, 0.5]], 1, quotas=["a=1"])
    with pytest.raises(UsageError, match="minutes: for files of scores, and these are arrays"):
        ncenet.select([[0.5, 0.5]], 1, minutes=3)
    with pytest.raises(UsageError, match="leave the arrays out"):
        ncenet.select(file, 1, probs=[[0.5, 0.5]])
    with pytest.raises(UsageError, match="`boxes` is how many may be drawn"):
        ncenet.select(file, 1, boxes=[[0.5, 0.5]])
    paid = ncenet.select(file, probs="p_*", minutes=1, seconds_per_image=20, notify=False)
    assert len(paid) == 3, "a minute pays for three images of 20 seconds"


def test_a_query_goes_to_a_table_and_comes_back_filled_in(folder, tmp_path):
    table = tmp_path / "query.csv"
    with begun(folder) as run:
        query = run.ask()
    query.write(table)
    filled = [line + ("ant" if n else "") for n, line in enumerate(table.read_text().splitlines())]
    table.write_text("\n".join(filled) + "\n")
    with begun(folder) as run:
        with pytest.raises(UsageError, match=r"query.csv: 4 labels in it were not told yet"):
            query.write(table)
        run.tell(table)
        assert run.labels == dict.fromkeys(query.ids, "ant")
        query.write(table)
        (tmp_path / "answers.json").write_text(json.dumps({query.ids[0]: "undo"}))
        run.tell(tmp_path / "answers.json", who="ben")
        assert len(run.labels) == 3


def test_labels_that_contradict_stop_an_import_as_on_the_command_line(folder, tmp_path):
    (tmp_path / "labels.csv").write_text("id,label\n0.jpg,bee\n")
    with begun(folder) as run:
        run.tell({"0.jpg": "ant"}, who="ann")
        with pytest.raises(DataError, match="choose with `on_conflict`: keep what stands, or replace it"):
            run.read_labels(tmp_path / "labels.csv", who="ben")
        assert run.labels == {"0.jpg": "ant"}


def test_models_leave_and_images_are_sorted_and_come_back(folder, tmp_path):
    with learned(folder) as run:
        table = run.expected()
        assert [each.above for each in table] == [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99]
        done = run.sort(tmp_path / "sorted", above=0)
        assert sum(done.counts.values()) == 30 and (tmp_path / "sorted/sorted.csv").exists()
        assert run.unsort(tmp_path / "sorted") == {} and not (tmp_path / "sorted").exists()
        run.export_model(tmp_path / "model")
        with pytest.raises(UsageError, match="cycle 9 has no model"):
            run.export_model(tmp_path / "other", cycle=9)
        with pytest.raises(UnknownName, match="unknown model format 'onxn'"):
            run.export_model(tmp_path / "other", format="onxn")
    assert ncenet.load(tmp_path / "model").class_names == ("ant", "bee")


def test_scores_of_images_go_into_a_file_as_the_command_writes_them(folder, tmp_path):
    with learned(folder) as run:
        model = run.model
    images = tmp_path / "photos"
    done = ncenet.score(model, images, tmp_path / "scores.csv", per_class=True, notify=False)
    rows = (tmp_path / "scores.csv").read_text().splitlines()
    assert done.images == 30 == len(rows) - 1 and rows[0].endswith("likelihood[ant],likelihood[bee]")
    (images / "broken.jpg").write_bytes(b"")
    left_out = []
    options = {"on_bad_image": "skip", "bad": left_out.append, "notify": False}
    assert ncenet.score(folder, images, tmp_path / "scores.jsonl", **options).images == 30
    assert [problem.id for problem in left_out] == ["broken.jpg"]
    with pytest.raises(UsageError, match="`boxes` and `least` are for detectors"):
        ncenet.score(model, images, tmp_path / "a.csv", boxes=True)
    with pytest.raises(UsageError, match=r"`outputs`, `keep`, .* are for shards"):
        ncenet.score(model, images, tmp_path / "a.csv", dry_run=True)


def test_scores_of_shards_go_into_a_folder_and_what_is_done_is_not_done_again(folder, tmp_path):
    pa = pytest.importorskip("pyarrow")
    with learned(folder) as run:
        model = run.model
    for n in range(2):
        images = [{"bytes": jpeg(3 * n + row)} for row in range(3)]
        write(tmp_path / "shards", {f"{n}.parquet": b""})
        pa.parquet.write_table(pa.table({"image": images}), tmp_path / f"shards/{n}.parquet")
    left = ncenet.score(model, tmp_path / "shards", tmp_path / "scores", dry_run=True, notify=False).left
    assert (left.shards, left.of, left.images, left.counted) == (2, 2, 6, True) and left.speed > 0
    done = ncenet.score(model, tmp_path / "shards", tmp_path / "scores", notify=False)
    assert (done.images, done.broken, len(done.shards)) == (6, 0, 2)
    assert ncenet.score(model, tmp_path / "shards", tmp_path / "scores", notify=False).images == 0
    assert len(ncenet.select(tmp_path / "scores", 4, notify=False)) == 4
    with pytest.raises(UsageError, match="shards are scored into Parquet: `outputs` says what"):
        ncenet.score(model, tmp_path / "shards", tmp_path / "scores", per_class=True)


def test_what_is_broken_in_a_run_is_set_aside(folder):
    learned(folder).close()
    (model,) = folder.glob("cycles/001/model.safetensors")
    model.write_bytes(b"no model")
    (dry,) = ncenet.Run.repair(folder, dry_run=True)
    assert model.exists() and "model.safetensors" in str(dry)
    (found,) = ncenet.Run.repair(folder)
    assert found.file == model and not model.exists() and ncenet.Run.repair(folder) == []
    with learned(folder) as run:
        assert run.model.class_names == ("ant", "bee")
    with pytest.raises(UsageError, match="there is no such folder"):
        ncenet.Run.repair(folder / "nowhere")


def test_costs_of_a_run_and_of_a_comparison_print_themselves(tmp_path):
    recipe = ncenet.Recipe().with_changes(QUICK | {"loop.held_out": 0, "loop.cycles": 2, "loop.initial": 10})
    one = ncenet.cost(recipe)
    assert one.trials is None and one.seconds > 0 and "cycles     2, " in str(one) and repr(one) == str(one)
    both = ncenet.cost(ncenet.Comparison.beside(recipe, ["random"], seeds=2))
    assert both.trials == 4 and str(both).startswith(
        "trials     4\nlabels     110 of a pool of 1,297 in each"
    )
    assert "clock      a few steps were timed by the wall" in str(both)


def test_data_sets_are_opened_listed_and_looked_at(tmp_path):
    write(tmp_path, {"a/0.jpg": jpeg(0), "a/1.jpg": jpeg(0), "b/2.jpg": jpeg(2), "b/3.jpg": b"none"})
    data = ncenet.Dataset.open(tmp_path)
    assert data.class_names == ("a", "b") and len(data.pool.ids()) == 4
    look = data.look()
    assert [problem.id for problem in look.problems] == ["b/3.jpg"] and look.duplicates == (
        ("a/0.jpg", "a/1.jpg"),
    )
    assert repr(look).startswith("Scan(3 RGB; sides from ") and "1 unreadable, 1 copy)" in repr(look)
    assert ncenet.Dataset.builtin()["cifar10"].download_mb > 100
    with pytest.raises(UsageError, match="no built-in data set of this name"):
        ncenet.Dataset.open(tmp_path / "nowhere")


def test_features_are_an_array(photos, cache, edges, in_torch):  # noqa: F811
    (photos / "ant/0.png").write_bytes(b"none")
    found = ncenet.features.of(photos, "edges", notify=False)
    assert len(found.ids) == 29 == len(found.vectors) and found.vectors.dtype == np.float32
    assert [problem.id for problem in found.unreadable] == ["ant/0.png"] and "1 unreadable" in repr(found)
    again = ncenet.features.of(ncenet.Dataset.open(photos), "edges", notify=False)
    assert np.array_equal(again.vectors, found.vectors)
    ranked = ncenet.select(features=found.vectors, ids=found.ids, query_size=2, strategy="typiclust")
    assert len(ranked) == 2


def test_annotators_get_links(folder):
    with begun(folder) as run:
        links = run.invite("anna", "ben", public_url="https://label.example.com/pets")
        assert list(links) == ["anna", "ben"] and links["anna"].startswith(
            "https://label.example.com/pets/#token="
        )
        run.annotators.revoke(["ben"])
        assert [link.revoked is None for link in run.annotators.links()] == [True, False]
        with pytest.raises(UsageError, match=r"put an access token .* LABEL_STUDIO_API_KEY"):
            run.label_studio()


@pytest.mark.parametrize("in_a_notebook", [False, True])
def test_a_page_is_served_until_it_is_interrupted(folder, in_a_notebook):
    pytest.importorskip("uvicorn")
    said, pages = [], []

    def visit(address):
        def look():
            try:
                browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
                pages.append(browser.open(address.url, timeout=20).status)
            finally:
                signal.raise_signal(signal.SIGINT)

        threading.Thread(target=look).start()

    def serve():
        begun(folder).close()
        with pytest.raises(KeyboardInterrupt):
            ncenet.label(folder, port=0, browser=False, ready=visit, say=said.append, notify=False)

    async def cell():
        serve()

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    try:
        with contextlib.closing(asyncio.new_event_loop()) as loop:  # as a kernel has it
            loop.run_until_complete(cell()) if in_a_notebook else serve()
    finally:
        signal.signal(signal.SIGINT, before)
    assert pages == [200] and any(line.startswith("Label at  http://127.0.0.1:") for line in said)
