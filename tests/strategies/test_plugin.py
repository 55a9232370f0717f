"""The example of a plug-in, installed as packages are: code on the path, a dist-info that announces it."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

PLUGIN = Path(__file__).parents[2] / "examples" / "plugin"

ASK = """
import torch
from ncenet.strategies import strategies
from tests.contracts.fakes import fake_view

strategy = strategies.get("product")()
view = fake_view(strategy.needs)
query = strategy.query(view, 3, rng=torch.Generator().manual_seed(0))
print(len(set(query.ids) & set(view.ids)), {"product", "random"} <= set(strategies.names()))
"""


def announce(folder):
    """What an installer writes beside the code of the plug-in."""
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text())["project"]
    name, version = project["name"], project["version"]
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    points = project["entry-points"]["ncenet.strategies"].items()
    lines = ["[ncenet.strategies]", *(f"{point} = {target}" for point, target in points)]
    (info / "entry_points.txt").write_text("\n".join(lines))


def test_an_installed_plug_in_is_a_strategy_like_any_other(tmp_path):
    announce(tmp_path)
    path = os.pathsep.join(map(str, (tmp_path, PLUGIN / "src", PLUGIN.parents[1])))
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("3 True\n", "")
