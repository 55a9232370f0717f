"""Memory of the labelling page's server and of the processes that it starts, while photographs are labelled.

    python benchmarks/memory.py [--photos 60] [-- FLAGS OF ncenet label]

Photographs of 12 megapixels are made, each is looked at and answered over the API as the page does it, a
model is trained meanwhile, and in the end labels, report and model are fetched. Of each process: the largest
and the last resident size, and whether PyTorch is in it. Linux alone.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import numpy as np
import PIL.Image

CLASSES = "abc"


def photographs(folder: Path, count: int) -> None:
    random = np.random.default_rng(0)
    folder.mkdir()
    for n in range(count):
        coarse = PIL.Image.fromarray(random.integers(0, 256, (12, 16, 3), dtype=np.uint8))
        coarse.resize((4000, 3000), PIL.Image.Resampling.BICUBIC).save(folder / f"{n:03}.jpg", quality=88)


def row(process: int, name: str) -> str:
    status = Path(f"/proc/{process}/status").read_text()
    most, now = (int(re.search(rf"{key}:\s+(\d+)", status)[1]) / 1000 for key in ("VmHWM", "VmRSS"))  # type: ignore[index]
    torch = "libtorch" in Path(f"/proc/{process}/maps").read_text()
    return f"| {name} | {most:,.0f} | {now:,.0f} | {'yes' if torch else 'no'} |"


def children(process: int) -> list[int]:
    return [int(n) for n in Path(f"/proc/{process}/task/{process}/children").read_text().split()] + [
        int(n)
        for task in Path(f"/proc/{process}/task").iterdir()
        if task.name != str(process)
        for n in (task / "children").read_text().split()
    ]


def label(client: httpx.Client, count: int) -> None:
    done, until = 0, time.monotonic() + 600
    while done < count and time.monotonic() < until:
        message = {"window": "window-1", "who": "ann", "want": 4}
        turns = client.post("/api/turns", json=message).json()["turns"]
        for turn in turns:
            assert client.get(f"/images/view/{turn['hash']}").status_code == 200
            entry = {"key": f"key-{done:08}", "id": turn["id"], "kind": "answer", "label": CLASSES[done % 3]}
            client.post("/api/answers", json={"who": "ann", "entries": [entry]})
            done += 1
        if not turns:
            time.sleep(0.5)
    while client.get("/api/state").json()["training"]["phase"] not in ("idle", "failed"):
        time.sleep(0.5)
    for name in ("labels.csv", "report.html", "model.safetensors"):
        client.get(f"/files/{name}").raise_for_status()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=int, default=60)
    parser.add_argument("flags", nargs="*")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photographs(folder / "photos", arguments.photos)
        words = ["label", folder / "photos", "--classes", ",".join(CLASSES), "--out", folder / "run"]
        words += ["--port", "0", "--no-browser", *arguments.flags]
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "ncenet", *words], stdout=subprocess.PIPE, text=True
        )
        found = next(
            m for line in process.stdout or () if (m := re.search(r"(http://\S+/)\?token=(\S+)", line))
        )
        client = httpx.Client(base_url=found[1], headers={"authorization": f"Bearer {found[2]}"}, timeout=120)
        try:
            label(client, arguments.photos)
            print("| process | MB at most | MB in the end | PyTorch |\n|---|---|---|---|")
            print(row(process.pid, "server"))
            for child in children(process.pid):
                print(row(child, "of its own"))
        finally:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
