"""``ask`` and ``tell``: people in the place of the oracle, and images that cannot be read."""

from __future__ import annotations

import csv
import io
import json

import pytest

from ncenet.ledger import Ledger
from tests.commands import TINY
from tests.data.make import jpeg, write

CLASSES = "ant,bee"


@pytest.fixture
def photos(tmp_path):
    """Twelve photos without labels."""
    return write(tmp_path / "photos", {f"{i:02d}.jpg": jpeg(i, width=16, height=16) for i in range(12)})


@pytest.fixture
def asked(ncenet, photos):
    """Ids of the initial query of a new run."""
    return ids(ncenet("ask", "run", "--data", photos, "--classes", CLASSES, "-n", 5, *TINY))


def ids(done):
    assert done.code == 0, done.err
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert all(row["label"] == "" and float(row["score"]) >= 0 for row in rows)
    return [row["id"] for row in rows]


def write_answers(file, answers):
    file.write_text("id,label\n" + "".join(f"{id},{label}\n" for id, label in answers.items()))
    return file


def ledger():
    return Ledger("run/ledger.sqlite", read_only=True)


def fits():
    with ledger() as opened:
        return [number for number, _ in opened.cycles() if opened.fit_report(number) is not None]


class TestAskAndTell:
    def test_a_project_from_photos_to_a_second_query(self, ncenet, tmp_path, asked):
        assert len(set(asked)) == 5
        assert fits() == [], "without labels nothing is trained"
        answers = dict(zip(asked, ["ant", "bee", "skip", "unsure", ""], strict=True))
        told = ncenet("tell", "run", write_answers(tmp_path / "answers.csv", answers), "--who", "ann")
        assert told.code == 0, told.err
        assert told.out == "4 answers recorded; 2 images have a label\n"
        with ledger() as opened:
            assert opened.labeled() == [(asked[0], "ant"), (asked[1], "bee")]
            assert opened.closed_ids() == set(asked[:4])
            assert {event.who for event in opened.events()} == {"ann"}

        second = ids(ncenet("ask", "run", "-n", 4))
        assert fits() == [1]
        assert len(set(second)) == 4
        assert not set(second) & set(asked[:4]), "answered, skipped and unsure are not asked for again"
        again = ids(ncenet("ask", "run", "-n", 4))
        assert again == second
        assert fits() == [1], "nothing new to learn"

        new = next(id for id in second if id != asked[4])  # asked[4] is open, and may be asked for again
        later = {asked[4]: "bee", new: "ant"}
        (tmp_path / "late.json").write_text(json.dumps(later))
        told = ncenet("tell", "run", "late.json", "--json")
        assert json.loads(told.out) == {"answers": 2, "known": 0, "labeled": 4, "cut": 0}
        third = json.loads(ncenet("ask", "run", "-n", 20, "--json").out)
        assert fits() == [1, 2]
        expected = {f"{i:02d}.jpg" for i in range(12)} - set(asked) - {new}
        assert {row["id"] for row in third} == expected
        scores = [row["score"] for row in third]
        assert scores == sorted(scores, reverse=True)

    def test_sizes_come_from_the_recipe(self, ncenet, photos):
        first = ncenet(
            "ask", "run", "--data", photos, "--classes", CLASSES, "--initial", 3, "--query-size", 2, *TINY
        )  # fmt: skip
        assert len(ids(first)) == 3
        write_answers(photos.parent / "a.csv", dict.fromkeys(ids(first), "ant"))
        assert ncenet("tell", "run", "a.csv").code == 0
        assert len(ids(ncenet("ask", "run"))) == 2

    def test_held_out_images_are_asked_first_and_measure(self, ncenet, photos):
        start = ("ask", "run", "--data", photos, "--classes", CLASSES, "--held-out", 4, "--initial", 3, *TINY)
        first = ncenet(*start, "-n", 2)
        held_out = ids(first)
        assert len(held_out) == 4
        assert "not 2: 4 held-out images are open" in first.err
        assert "held-out images are open" not in ncenet("ask", "run").err
        assert "they measure every model and train none, so they come first" in first.said
        write_answers(photos.parent / "a.csv", dict.fromkeys(held_out, "ant"))
        assert ncenet("tell", "run", "a.csv").code == 0
        initial = ids(ncenet("ask", "run"))
        assert len(initial) == 3 and not set(initial) & set(held_out)
        write_answers(photos.parent / "a.csv", dict.fromkeys(initial, "ant"))
        assert ncenet("tell", "run", "a.csv").code == 0
        last = ncenet("ask", "run", "-n", 2)
        record = json.loads(ncenet("report", "run", "--json").out)
        assert "chosen by confusion" in last.said
        (cycle,) = record["cycles"]
        assert (cycle["labeled"], cycle["accuracy"]) == (3, 1.0)

    def test_a_file_to_fill_in(self, ncenet, tmp_path, photos):
        done = ncenet(
            "ask", "run", "--data", photos, "--classes", CLASSES, "-n", 3, "--out", "query.csv", *TINY
        )
        assert (done.code, done.out) == (0, "")
        assert "3 images to label in query.csv: fill in the last column, then ncenet tell run" in done.said
        assert "drawn at random: there is no model yet" in done.said
        file = tmp_path / "query.csv"
        file.write_text(file.read_text().replace(",\n", ",ant\n"))
        assert ncenet("tell", "run", file).out.startswith("3 answers recorded; 3 images")

    @pytest.mark.parametrize("form", ["json", "csv"])
    def test_standard_input(self, ncenet, monkeypatch, asked, form):
        text = json.dumps({asked[0]: "ant"}) if form == "json" else f"id,label\n{asked[0]},ant\n"
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        assert ncenet("tell", "run", "-").code == 0
        with ledger() as opened:
            assert opened.labeled() == [(asked[0], "ant")]

    def test_what_ask_prints_as_json_comes_back_filled_in(self, ncenet, tmp_path, asked):
        rows = json.loads(ncenet("ask", "run", "-n", 2, "--json").out)
        rows[0]["label"] = "ant"
        (tmp_path / "rows.json").write_text(json.dumps(rows))
        assert ncenet("tell", "run", "rows.json").out.startswith("1 answer recorded; 1 image has")
        with ledger() as opened:
            assert opened.labeled() == [(rows[0]["id"], "ant")]

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ('{"a.png": "ant", "a.png": "bee"}', "'a.png' stands there a second time, and differently"),
            (
                '[{"id": "a.png", "label": "ant"}, {"id": "a.png", "label": "bee"}]',
                "answers 'a.png' twice, and differently",
            ),
            ('["a.png"]', "a list of answers holds objects with id and label"),
            ('{"a.png": {"box": [1, 2, 3, 4]}}', "the label of 'a.png' is neither text nor a list of boxes"),
        ],
    )
    def test_json_that_says_two_things_or_none(self, ncenet, tmp_path, asked, text, complaint):
        (tmp_path / "a.json").write_text(text)
        done = ncenet("tell", "run", "a.json")
        assert (done.code, complaint in done.said) == (1, True), done.said
        with ledger() as opened:
            assert opened.labeled() == []

    def test_a_correction_replaces_the_label(self, ncenet, tmp_path, asked):
        for label in ("ant", "bee"):
            write_answers(tmp_path / "answers.csv", {asked[0]: label})
            assert ncenet("tell", "run", "answers.csv").code == 0
        with ledger() as opened:
            assert opened.labeled() == [(asked[0], "bee")]
            assert len(opened.events()) == 2

    def test_a_spreadsheets_file(self, ncenet, tmp_path, asked):
        """With a byte order mark, Windows line ends, other columns and blanks."""
        text = f"\ufefflabel,note,id\r\n ant ,good,{asked[0]}\r\n"
        (tmp_path / "answers.csv").write_bytes(text.encode())
        assert ncenet("tell", "run", "answers.csv").code == 0
        with ledger() as opened:
            assert opened.labeled() == [(asked[0], "ant")]

    def test_a_class_that_is_called_skip_is_a_class(self, ncenet, photos, tmp_path):
        (id,) = ids(ncenet("ask", "run", "--data", photos, "--classes", "keep,skip", "-n", 1, *TINY))
        write_answers(tmp_path / "answers.csv", {id: "skip"})
        assert ncenet("tell", "run", "answers.csv").code == 0
        with ledger() as opened:
            assert opened.labeled() == [(id, "skip")]

    def test_photos_without_classes(self, ncenet, photos):
        done = ncenet("ask", "run", "--data", photos)
        assert done.code == 1
        assert "images without labels; name the classes with --classes" in done.said

    def test_other_classes_later_are_another_run(self, ncenet, asked):
        done = ncenet("ask", "run", "--classes", "ant,cow")
        assert done.code == 2
        assert "data.classes: ['ant', 'bee'] there, ['ant', 'cow'] now" in done.said

    def test_an_image_that_changed_since_is_refused(self, ncenet, photos, tmp_path, asked):
        write_answers(tmp_path / "answers.csv", {asked[0]: "ant"})
        ncenet("tell", "run", "answers.csv")
        (photos / asked[0]).write_bytes(jpeg(99))
        done = ncenet("ask", "run")
        assert done.code == 1
        assert f"1 image changed since labelled: {asked[0]}" in done.said
        assert "the word undo in ncenet tell" in done.said
        write_answers(tmp_path / "answers.csv", {asked[0]: "undo", asked[1]: "bee"})
        done = ncenet("tell", "run", "answers.csv")
        assert done.out == "1 answer recorded, 1 taken back; 1 image has a label\n"
        assert ncenet("ask", "run", "-n", 3).code == 0
        done = ncenet("tell", "run", "answers.csv")
        assert done.code == 0 and f"taken back before, and not once more: {asked[0]}" in done.out
        write_answers(tmp_path / "answers.csv", {asked[2]: "undo"})
        done = ncenet("tell", "run", "answers.csv")
        assert done.code == 1 and f"'{asked[2]}' has no answer to undo" in done.said

    def test_the_same_file_again_changes_nothing(self, ncenet, tmp_path, asked):
        for answer in ("ant", "bee"):
            write_answers(tmp_path / "answers.csv", {asked[0]: answer, asked[1]: answer})
            ncenet("tell", "run", "answers.csv")
        write_answers(tmp_path / "answers.csv", {asked[0]: "undo", asked[1]: "undo", asked[2]: "bee"})
        ncenet("tell", "run", "answers.csv")
        with Ledger(tmp_path / "run" / "ledger.sqlite", read_only=True) as ledger:
            before = ledger.dump()
            assert dict(ledger.labeled()) == {asked[0]: "ant", asked[1]: "ant", asked[2]: "bee"}
        done = ncenet("tell", "run", "answers.csv", "--json")
        told = json.loads(done.out)
        assert told["taken_back_before"] == sorted(asked[:2]) and told["known"] == 1
        with Ledger(tmp_path / "run" / "ledger.sqlite", read_only=True) as ledger:
            assert ledger.dump() == before

    def test_labels_that_were_not_told_are_not_asked_over(self, ncenet, tmp_path, asked):
        assert ncenet("ask", "run", "-n", 5, "--out", "query.csv").code == 0
        query = tmp_path / "query.csv"
        query.write_text(query.read_text().replace(",\n", ",bee\n"))
        before, ledger = query.read_bytes(), (tmp_path / "run" / "ledger.sqlite").read_bytes()
        done = ncenet("ask", "run", "-n", 6, "--out", "query.csv")
        assert done.code == 2 and "5 labels in it were not told yet" in done.said
        assert (query.read_bytes(), (tmp_path / "run" / "ledger.sqlite").read_bytes()) == (before, ledger)
        assert ncenet("tell", "run", "query.csv").code == 0
        assert ncenet("ask", "run", "-n", 3, "--out", "query.csv").code == 0
        assert len(query.read_text().splitlines()) == 4

    def test_one_wrong_line_and_nothing_is_taken_back(self, ncenet, tmp_path, asked):
        write_answers(tmp_path / "answers.csv", {asked[0]: "ant"})
        ncenet("tell", "run", "answers.csv")
        write_answers(tmp_path / "answers.csv", {asked[0]: "undo", asked[1]: "bee", asked[2]: "undo"})
        done = ncenet("tell", "run", "answers.csv")
        assert done.code == 1 and f"'{asked[2]}' has no answer to undo" in done.said
        with Ledger(tmp_path / "run" / "ledger.sqlite", read_only=True) as ledger:
            assert ledger.labeled() == [(asked[0], "ant")]

    def test_an_image_that_is_gone_since_is_refused(self, ncenet, photos, tmp_path, asked):
        write_answers(tmp_path / "answers.csv", {asked[0]: "ant", asked[1]: "bee"})
        ncenet("tell", "run", "answers.csv")
        (photos / asked[0]).unlink()
        (photos / asked[2]).unlink()
        done = ncenet("ask", "run")
        assert done.code == 1
        assert f"1 image gone since labelled: {asked[0]}" in done.said
        write_answers(tmp_path / "answers.csv", {asked[0]: "undo"})
        assert ncenet("tell", "run", "answers.csv").code == 0
        left = ids(ncenet("ask", "run", "-n", 20))
        assert len(left) == 9 and not set(asked[:3]) & set(left)

    def test_a_skipped_image_that_is_gone_since_is_told_and_the_run_goes_on(self, ncenet, photos, tmp_path):
        words = ("ask", "run", "--data", photos, "--classes", CLASSES, "-n", 5, "--foreign", "leave-out")
        asked = ids(ncenet(*words, *TINY))
        answers = dict(zip(asked, ["ant", "bee", "skip", "unsure", "skip"], strict=True))
        ncenet("tell", "run", write_answers(tmp_path / "answers.csv", answers))
        for id in asked[2:4]:
            (photos / id).unlink()
        done = ncenet("ask", "run", "-n", 3)
        assert len(ids(done)) == 3 and fits() == [1]
        names = ", ".join(sorted(asked[2:4]))
        assert f"gone since: 2 images without a label (skipped, or unsure): {names}" in done.said
        assert "gone since" not in ncenet("ask", "run", "-n", 3).said, "it is told once"
        again = ncenet("tell", "run", tmp_path / "answers.csv")
        assert again.code == 0 and "2 images have a label" in again.out


class TestBadAnswers:
    @pytest.mark.parametrize(
        ("text", "code", "message"),
        [
            ("id,label\n{0},ant\n{1},bea\n", 2, "'{1}': unknown class 'bea': did you mean 'bee'?"),
            ("id,label\n{0},ant\nnowhere.jpg,ant\n", 1, "'nowhere.jpg' is not an image of this pool"),
            ("id,label\n{0},ant\n{1}\n", 1, "answers.csv:3 has fewer fields than the header"),
            ("id,label\n{0},ant\n{0},bee\n", 1, "answers.csv: answers '{0}' twice, and differently"),
            ("name,class\n{0},ant\n", 1, "answers.csv:1 needs columns id and label, found name, class"),
            ("", 1, "answers.csv:1 needs columns id and label, found none"),
            ('{{"{0}":\n "ant",}}', 1, "answers.csv:2 not JSON"),
            ('{{"{0}": 1}}', 1, "answers.csv: the label of '{0}' is neither text nor a list"),
            ("id,label\n{0},b\xe9e\n", 1, "answers.csv: not text in UTF-8"),
        ],
        ids=["class", "image", "short", "twice", "columns", "empty", "json", "number", "latin-1"],
    )
    def test_are_named_and_nothing_is_recorded(self, ncenet, tmp_path, asked, text, code, message):
        (tmp_path / "answers.csv").write_bytes(text.format(*asked).encode("latin-1"))
        done = ncenet("tell", "run", "answers.csv")
        assert done.code == code
        assert message.format(*asked) in done.said
        with ledger() as opened:
            assert opened.events() == []

    def test_a_file_that_is_not_there(self, ncenet, asked):
        done = ncenet("tell", "run", "answers.csv")
        assert done.code == 1
        assert "answers.csv: cannot be read: No such file or directory" in done.said


BAD = {"ant/broken.jpg", "ant/empty.png", "bee/text.jpg"}


@pytest.fixture
def folders(tmp_path):
    """Class folders with three bad images in the pool and one in the test set."""
    good = {f"{name}/{i}.jpg": jpeg(i, width=8, height=8) for name in ("ant", "bee") for i in range(8)}
    held_out = {
        f"{name}/{i}.jpg": jpeg(i, width=8, height=8) for name in ("ant", "bee") for i in range(20, 23)
    }
    bad = {"ant/broken.jpg": jpeg(3)[:200], "ant/empty.png": b"", "bee/text.jpg": b"these are words\n"}
    write(tmp_path / "pool", good | bad)
    write(tmp_path / "held-out", held_out | {"bee/cut.jpg": jpeg(4)[:150]})
    return tmp_path


class TestBadImages:
    def simulate(self, ncenet, *more):
        sizes = ("--initial", 6, "--query-size", 20, "--cycles", 3)
        return ncenet("simulate", "pool", "--test", "held-out", "--out", "run", *sizes, *TINY, *more)

    def listed(self, folders):
        rows = list(csv.DictReader((folders / "run" / "bad_images.csv").read_text().splitlines()))
        assert all(row["why"] for row in rows)
        return {(row["in"], row["id"]) for row in rows}

    def test_stop_names_all_of_them(self, ncenet, folders):
        done = self.simulate(ncenet)
        assert done.code == 1
        assert "4 unreadable images" in done.said
        assert all(name in done.said for name in (*BAD, "bee/cut.jpg"))
        assert "--on-bad-image skip" in done.said
        assert self.listed(folders) == {("pool", id) for id in BAD} | {("test", "bee/cut.jpg")}
        assert not list((folders / "run").glob("cycles/*"))

    def test_skip_goes_on_without_them(self, ncenet, folders):
        assert self.simulate(ncenet).code == 1
        done = self.simulate(ncenet, "--on-bad-image", "skip")
        assert done.code == 0, done.err
        assert self.listed(folders) == {("pool", id) for id in BAD} | {("test", "bee/cut.jpg")}
        with ledger() as opened:
            assert opened.problems().keys() == BAD
            answered = {event.id for event in opened.events()}
        assert len(answered) == 16, "the whole pool was used up"
        assert not answered & BAD
        tested = json.loads((folders / "run/cycles/001/test.json").read_text())
        assert tested["images"] == 6

    def test_ask_skips_them_and_tell_refuses_them(self, ncenet, tmp_path, folders):
        done = ncenet("ask", "run", "--data", "pool", "--on-bad-image", "skip", "-n", 50, *TINY)
        assert done.code == 0, done.err
        assert len(ids(done)) == 16
        write_answers(tmp_path / "answers.csv", {"ant/empty.png": "ant"})
        done = ncenet("tell", "run", "answers.csv")
        assert done.code == 1
        assert "'ant/empty.png' cannot be labelled, it cannot be read" in done.said
