"""A name of a class that one way in accepts, every way accepts, unchanged; what one refuses, all refuse."""

from __future__ import annotations

import csv
import json
import tempfile
from pathlib import Path
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ncenet.class_names import check_class_names, split_names
from ncenet.data import open_dataset
from ncenet.errors import DataError, NcenetError
from ncenet.label_studio.tasks import control_of, label_config
from ncenet.labels.transfer import export_labels, read_labels
from ncenet.ledger.ledger import Ledger
from ncenet.recipe import Recipe
from tests.data.make import jpeg, write
from tests.data.make_shards import tar
from tests.labels.make import new_run, photos

ODD = "\"',;:#=+-@[]{}!|>% .é漢نم\u200c\u200d\u200b\u00a0\U0001f41c\u0301<&/aZ0\t\n\0\u2028\ufffe"
WORDS = ["no", "Yes", "on", "null", "~", "010", "1e3", "1.0", "nan", "skip", "undo", "true", "..", "-", "=1"]
names = st.sampled_from(WORDS) | st.text(st.sampled_from(ODD), min_size=1, max_size=8) | st.text(max_size=220)
lists = st.lists(names, min_size=2, max_size=4, unique=True)
BOX = {"bbox": [2, 2, 9, 9], "image_id": 0}


def pictures(folder, count):
    write(folder, {f"{n}.jpg": jpeg(n) for n in range(count)})
    return [f"{n}.jpg" for n in range(count)]


def by_csv(folder, classes):
    paths = pictures(folder, len(classes))
    with (folder / "a.csv").open("w", encoding="utf-8", newline="") as text:
        csv.writer(text).writerows([("path", "label"), *zip(paths, classes, strict=True)])
    return open_dataset(str(folder / "a.csv")).class_names


def by_csv_with_boxes(folder, classes):
    paths = pictures(folder, len(classes))
    with (folder / "a.csv").open("w", encoding="utf-8", newline="") as text:
        rows = [(path, 2, 2, 9, 9, name) for path, name in zip(paths, classes, strict=True)]
        csv.writer(text).writerows([("path", "x1", "y1", "x2", "y2", "label"), *rows])
    return sound(open_dataset(str(folder / "a.csv"), task="detection"))


def by_parquet(folder, classes):
    images = [jpeg(n) for n in range(len(classes))]
    pq.write_table(pa.table({"image": images, "label": list(classes)}), folder / "a.parquet")
    return open_dataset(str(folder / "a.parquet")).class_names


def by_shards_of_addresses(folder, classes):
    for n, (path, name) in enumerate(zip(pictures(folder, len(classes)), classes, strict=True)):
        (folder / "shards").mkdir(exist_ok=True)
        pq.write_table(
            pa.table({"image": [f"../{path}"], "label": [name]}), folder / "shards" / f"{n}.parquet"
        )
    return open_dataset(str(folder / "shards")).class_names


def by_features_of_huggingface(folder, classes):
    features = {"label": {"names": list(classes), "_type": "ClassLabel"}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    table = pa.table({"image": [jpeg(0)], "label": [0]}).replace_schema_metadata(metadata)
    pq.write_table(table, folder / "a.parquet")
    return open_dataset(str(folder / "a.parquet")).class_names


def by_saved_set(folder, classes):
    features = {"image": {"_type": "Image"}, "label": {"names": list(classes), "_type": "ClassLabel"}}
    kinds = {"image": pa.struct([("bytes", pa.binary()), ("path", pa.string())]), "label": pa.int64()}
    schema = pa.schema(kinds.items(), metadata={"huggingface": json.dumps({"info": {"features": features}})})
    rows = [{"image": {"bytes": jpeg(n), "path": None}, "label": n} for n in range(len(classes))]
    with pa.OSFile(str(folder / "data.arrow"), "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
        writer.write_batch(pa.RecordBatch.from_pylist(rows, schema))
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data.arrow"}]}))
    return open_dataset(str(folder)).class_names


def by_webdataset_class(folder, classes):
    members = {}
    for n, name in enumerate(classes):
        members |= {f"{n}.jpg": jpeg(n), f"{n}.cls": name.encode()}
    return open_dataset(str(tar(folder / "a.tar", members))).class_names


def by_webdataset_json(folder, classes):
    members = {}
    for n, name in enumerate(classes):
        members |= {f"{n}.jpg": jpeg(n), f"{n}.json": json.dumps({"label": name}).encode()}
    return open_dataset(str(tar(folder / "a.tar", members))).class_names


def by_coco(folder, classes):
    pictures(folder, 1)
    categories = [{"id": n, "name": name} for n, name in enumerate(classes)]
    record = {"images": [{"id": 0, "file_name": "0.jpg"}], "annotations": [], "categories": categories}
    (folder / "a.json").write_text(json.dumps(record))
    return open_dataset(str(folder / "a.json"), task="detection").class_names


def by_yolo(folder, classes):
    write(folder, {"images/0.jpg": jpeg(0), "labels/0.txt": b"0 .5 .5 .4 .4\n"})
    text = yaml.safe_dump({"train": "images", "names": list(classes)})  # escapes odd breaks of lines
    (folder / "data.yaml").write_text(text, encoding="utf-8", newline="")
    return open_dataset(str(folder), task="detection").class_names


def by_yolo_list(folder, classes):
    write(folder, {"images/0.jpg": jpeg(0), "labels/0.txt": b"0 .5 .5 .4 .4\n"})
    (folder / "classes.txt").write_text("\n".join(classes), encoding="utf-8", newline="")
    return open_dataset(str(folder), task="detection").class_names


def by_voc(folder, classes):
    objects = "".join(
        f"<object><name>{escape(name)}</name><bndbox><xmin>2</xmin><ymin>2</ymin><xmax>9</xmax><ymax>9</ymax>"
        "</bndbox></object>"
        for name in classes
    )
    write(folder, {"JPEGImages/0.jpg": jpeg(0)})
    write(folder, {"Annotations/0.xml": f"<annotation>{objects}</annotation>".encode()})
    return sound(open_dataset(str(folder), task="detection"))


def by_flag(folder, classes):
    return check_class_names(split_names(",".join('"' + name.replace('"', '""') + '"' for name in classes)))


def by_recipe(folder, classes):
    recipe = Recipe().with_changes({"data.classes": tuple(classes)})
    (folder / "recipe.yaml").write_text(recipe.to_yaml(), encoding="utf-8")
    return Recipe.load(folder / "recipe.yaml").data.classes


def by_page(folder, classes):
    with Ledger(folder / "ledger.sqlite") as ledger:
        for name in classes:
            ledger.add_class(name, who="ann")
        return ledger.class_names()


def by_label_studio(folder, classes):
    check_class_names(classes)  # those of a run
    return control_of(label_config(classes, "detection"), classes, "detection", exactly=True).classes


def sound(dataset):
    if dataset.problems:
        raise DataError(str(dataset.problems[0]))
    return dataset.class_names


EXACT = (by_parquet, by_shards_of_addresses, by_features_of_huggingface, by_saved_set, by_webdataset_json)
EXACT += (by_coco, by_yolo, by_recipe, by_page, by_label_studio)
TRIMMED = (by_csv, by_csv_with_boxes, by_webdataset_class, by_yolo_list, by_voc, by_flag)
"""Ways of text that somebody types, where blanks around a name, and an empty one, mean nothing."""


def let_in(way, classes):
    """The classes that a way in makes of these, sorted; None when it refuses."""
    with tempfile.TemporaryDirectory() as place:
        try:
            return sorted(way(Path(place), classes))
        except NcenetError:
            return None


slow = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def allowed(classes):
    try:
        return sorted(check_class_names(classes))
    except DataError:
        return None


@pytest.mark.parametrize("way", EXACT)
@slow
@given(classes=lists)
def test_every_way_takes_what_the_gate_takes(way, classes):
    assert let_in(way, classes) == allowed(classes)


@pytest.mark.parametrize("way", TRIMMED)
@slow
@given(classes=lists)
def test_ways_of_typed_text_take_what_the_gate_takes(way, classes):
    if any("\0" in name or "\ufffe" in name for name in classes):
        assert let_in(way, classes) is None, "no text of this form holds it"
    elif any(not name or name != name.strip() or not name.isprintable() for name in classes):
        found = let_in(way, classes)  # trimmed, refused, or read as several lines: never what no gate lets in
        assert found is None or sorted(found) == allowed(found)
    else:
        assert let_in(way, classes) == allowed(classes)


@pytest.mark.parametrize("name", ["csv", "jsonl", "parquet", "class-folders"])
@slow
@given(classes=lists.filter(lambda classes: allowed(classes) is not None))
def test_every_export_brings_them_back(tmp_path_factory, name, classes):
    folder = tmp_path_factory.mktemp("names")
    data = photos(folder / "photos", tuple(f"{n}.jpg" for n in range(len(classes))))
    with new_run(folder / "run", data, tuple(classes)) as run:
        told = {f"{n}.jpg": label for n, label in enumerate(classes)}
        run.tell(told, who="ann")
        export_labels(run, folder / "out", format=name)
        changes = read_labels(run, folder / "out", format=name, otherwise="me")
        assert {change.record.id: change.record.label for change in changes} == told
        assert {change.status for change in changes} == {"same"}
