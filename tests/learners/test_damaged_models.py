"""Whatever stands in a model file or beside it: it is read, or one sentence names the file."""

from __future__ import annotations

import json
import os
import struct
import zipfile
from io import BytesIO

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import ncenet
from ncenet.errors import NcenetError
from tests.commands import run_command
from tests.learners.make import classifier, committee, images, labeled
from tests.learners.make_scenes import detector, labeled_scenes, scenes

KINDS = ("classifier", "committee", "detector")
EACH = [(kind, every) for kind, every in zip(KINDS, (1, 3, 9), strict=True)]
EACH += [pytest.param(kind, 1, marks=pytest.mark.slow) for kind in KINDS[1:]]
"""Every place in a classifier; of the others, which share it and take longer to read, one in so many."""
DELETED = object()
ODD = (
    None,
    -1,
    0,
    10**7,
    2**70,
    10**400,
    1e308,
    float("nan"),
    "\ud800",
    "a\0b",
    "x" * 10_000,
    [],
    {},
    [[1]],
    True,
)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A model file of each kind."""
    folder = tmp_path_factory.mktemp("models")
    scene, truth = scenes()
    learners = (classifier(epochs=1), committee(members=2, epochs=1), detector(epochs=1))
    lessons = (
        (labeled(images()), images()),
        (labeled(images()), images()),
        (labeled_scenes(scene, truth, 4), scene),
    )
    for kind, learner, (lesson, pool) in zip(KINDS, learners, lessons, strict=True):
        learner.fit(lesson, pool, cycle=1)
        learner.save(folder / f"{kind}.safetensors")
    return folder


def read_or_named(source, named):
    """None when it is read; else what was said of it, which names the file, in one line."""
    try:
        ncenet.load(source)
    except NcenetError as error:
        said = str(error)
        assert str(named) in said and "\n" not in said and len(said) < 1000, said[:2000]
        return said
    return None


def about(file):
    with safe_open(file, "pt") as stored:
        return json.loads(stored.metadata()["ncenet"])


def places(record, path=()):
    """Paths of all that is in a JSON value."""
    yield path
    inside = (
        record.items() if isinstance(record, dict) else enumerate(record if isinstance(record, list) else ())
    )
    for key, value in inside:
        yield from places(value, (*path, key))


def replaced(record, path, value):
    record = json.loads(json.dumps(record))
    if not path:
        return value
    within = record
    for key in path[:-1]:
        within = within[key]
    if value is DELETED:
        del within[path[-1]]
    else:
        within[path[-1]] = value
    return record


@pytest.mark.parametrize(("kind", "every"), EACH)
def test_a_description_may_say_anything(models, tmp_path, kind, every):
    said, tensors = about(models / f"{kind}.safetensors"), load_file(models / f"{kind}.safetensors")
    file, refused = tmp_path / "model.safetensors", 0
    for path in list(places(said))[::every]:
        for odd in (*ODD, DELETED)[: -1 if not path else None]:
            save_file(tensors, file, metadata={"ncenet": json.dumps(replaced(said, path, odd))})
            refused += read_or_named(file, file) is not None
    assert refused > 100 / every


@pytest.mark.parametrize(
    ("member", "why"),
    [
        ({"class_names": ["a", "a", "b"]}, "'a' stands there twice"),
        ({"class_names": [f"c{n}" for n in range(20_000)]}, "does not fit this network: its head"),
        ({"members": 10**9}, "says that it holds 1000000000 networks, and holds 1"),
        ({"heads": 3}, "model.heads"),
        ({"backbone": "timm:hf-hub:somebody/resnet"}, "no plain name of a timm model"),
        ({"backbone": "mine"}, "unknown backbone 'mine'"),
    ],
)
def test_the_reason_is_told(models, tmp_path, member, why):
    source = models / "classifier.safetensors"
    said = about(source)
    of_model = set(member) - set(said)
    said = {**said, "model": said["model"] | member} if of_model else said | member
    file = tmp_path / "model.safetensors"
    save_file(load_file(source), file, metadata={"ncenet": json.dumps(said)})
    assert why in read_or_named(file, file)


@pytest.mark.parametrize(("kind", "every"), EACH)
def test_each_tensor_may_be_anything(models, tmp_path, kind, every):
    source, file = models / f"{kind}.safetensors", tmp_path / "model.safetensors"
    said, tensors = json.dumps(about(source)), load_file(source)
    for name, tensor in list(tensors.items())[::every]:
        changed = {
            "is missing": None,
            "is one number": torch.zeros(()) if tensor.ndim else tensor.reshape(1),
            "has another shape": tensor.reshape(1, *tensor.shape),
            "is of another kind": (tensor != 0) if tensor.is_floating_point() else tensor.float(),
        }
        for what, other in changed.items():
            others = {key: value for key, value in tensors.items() if key != name or other is not None}
            save_file(others | ({} if other is None else {name: other}), file, metadata={"ncenet": said})
            refused = read_or_named(file, file)
            assert refused is not None and name.split(".")[-1] in refused, (
                name,
                what,
                refused,
            )
        if tensor.is_floating_point():
            for narrow in (torch.float16, torch.float8_e4m3fn):
                save_file(tensors | {name: tensor.to(narrow)}, file, metadata={"ncenet": said})
                assert read_or_named(file, file) is None
    save_file(tensors | {"more": torch.zeros(3)}, file, metadata={"ncenet": said})
    assert kind == "committee" or "no place for its more" in read_or_named(file, file)


def header(raw, change):
    """The file with another header."""
    size = struct.unpack("<Q", raw[:8])[0]
    said = json.loads(raw[8 : 8 + size])
    change(said, next(name for name in said if name != "__metadata__"))
    text = json.dumps(said).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + raw[8 + size :]


def zipped(write):
    content = BytesIO()
    write(content)
    return content.getvalue()


BYTES = {
    "empty": lambda raw: b"",
    "zeros": lambda raw: bytes(len(raw)),
    "junk": lambda raw: os.urandom(5000),
    "half": lambda raw: raw[: len(raw) // 2],
    "without its last byte": lambda raw: raw[:-1],
    "more at the end": lambda raw: raw + b"more",
    "the size of its header alone": lambda raw: raw[:8],
    "its header alone": lambda raw: raw[: 8 + struct.unpack("<Q", raw[:8])[0]],
    "a header longer than it": lambda raw: struct.pack("<Q", 2**63 - 1) + raw[8:],
    "a zip": lambda raw: zipped(lambda at: zipfile.ZipFile(at, "w").close()),
    "another's checkpoint": lambda raw: zipped(lambda at: torch.save({"weight": torch.zeros(3)}, at)),
    "a page": lambda raw: b"<html>404: not found</html>",
    "a pointer": lambda raw: b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n",
    "nothing in it": lambda raw: struct.pack("<Q", 2) + b"{}",
    "no description": lambda raw: header(raw, lambda said, _: said.pop("__metadata__")),
    "a description of numbers": lambda raw: header(
        raw, lambda said, _: said.update(__metadata__={"ncenet": 5})
    ),
    "a huge shape": lambda raw: header(raw, lambda said, one: said[one].update(shape=[2**40, 2**20])),
    "a place beyond its end": lambda raw: header(
        raw, lambda said, one: said[one].update(data_offsets=[0, 2**50])
    ),
    "unknown numbers": lambda raw: header(raw, lambda said, one: said[one].update(dtype="F99")),
}


@pytest.mark.parametrize("what", BYTES)
@pytest.mark.parametrize("command", ["score", "load"])
def test_a_file_may_hold_anything(models, tmp_path, capsys, what, command):
    file = tmp_path / "model.safetensors"
    file.write_bytes(BYTES[what]((models / "classifier.safetensors").read_bytes()))
    if command == "load":
        assert read_or_named(file, file) is not None
        return
    done = run_command(capsys, ["score", file, "digits"])
    assert done.code == 1 and str(file) in done.err and "defect" not in done.err, done.err


def test_a_file_may_be_anything(models, tmp_path):
    file = tmp_path / "model.safetensors"
    file.mkdir()
    assert "no model here" in read_or_named(file, file)
    file.rmdir()
    for target in (file.name, "nowhere"):
        file.symlink_to(target)
        assert "no such file or folder" in read_or_named(file, file)
        file.unlink()
    os.mkfifo(file)
    assert "no such file or folder" in read_or_named(file, file)
    file.unlink()
    file.touch()
    os.truncate(file, 20 << 30)
    assert "not a model file" in read_or_named(file, file)


@pytest.mark.parametrize(("kind", "every"), EACH)
def test_the_config_beside_it_may_be_anything(models, tmp_path, kind, every):
    folder = tmp_path / "exported"
    ncenet.load(models / f"{kind}.safetensors").save_pretrained(folder)
    config = folder / "config.json"
    good = json.loads(config.read_text())
    for path in list(places(good))[::every]:
        for odd in (*ODD, DELETED)[: -1 if not path else None]:
            config.write_text(json.dumps(replaced(good, path, odd)))
            said = read_or_named(folder, config)
            of_file = path and path[0] not in ("aggregate", "aggregate_k")
            assert said is not None or not of_file or replaced(good, path, odd) == good, (path, odd)
    for content in (
        b"",
        b"{",
        b"[]",
        b"\0" * 50,
        b"[" * 100_000,
        b"\xff\xfe{",
        b'{"cycle": ' + b"9" * 5000 + b"}",
    ):
        config.write_bytes(content)
        assert read_or_named(folder, config) is not None
    config.unlink()
    for make in (config.mkdir, lambda: config.symlink_to(config.name)):
        make()
        assert "cannot be read" in read_or_named(folder, config)
        config.rmdir() if config.is_dir() else config.unlink()
    assert read_or_named(folder, config) is None
