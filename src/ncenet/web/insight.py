"""What the last model says of any image of the pool, as JSON for the page."""

from __future__ import annotations

from typing import Any

from ncenet.errors import DamagedRecord
from ncenet.ledger.ledger import Ledger
from ncenet.run.folder import RunFolder
from ncenet.run.held_out import set_apart
from ncenet.run.opinions import Opinions, read_opinions
from ncenet.run.record_files import read_reasons
from ncenet.run.records import as_json
from ncenet.run.sizes import SizeOf
from ncenet.web.assignments import latest_query

SHOWN = 3
"""Labelled neighbours that are shown (ours)."""


class Insight:
    """Reads the opinions of the last model that has some, each file once.

    Args:
        run: the run.
        ledger: what was answered.
    """

    def __init__(self, run: RunFolder, ledger: Ledger) -> None:
        self._run, self._ledger, self._apart = run, ledger, set_apart(ledger)
        self._read: tuple[object, Opinions | None] = None, None

    def refresh(self) -> None:
        """Images have come: copies of held-out ones may be among them."""
        self._apart = set_apart(self._ledger)

    def opinions(self) -> Opinions | None:
        """Those of the last model; None before there is one, or when the file is damaged."""
        for cycle in reversed(self._run.cycles()):
            if cycle.opinions.exists():
                now = cycle.number, cycle.opinions.stat().st_mtime_ns  # of a first guess there are several
                if self._read[0] != now:
                    try:
                        self._read = now, read_opinions(cycle)
                    except DamagedRecord:
                        continue
                return self._read[1]
        return None

    def copies(self, id: str) -> tuple[str, ...]:
        """The near copies of an image; none of held-out ones."""
        said = self.opinions()
        return () if said is None or id in self._apart else said.copies_of(id)

    def near(self, id: str) -> list[dict[str, Any]]:
        """The nearest images with their labels, the nearest first; none of a held-out image."""
        said = self.opinions()
        if said is None or id in self._apart or id not in said.row:
            return []
        labels = dict(self._ledger.labeled(among=[other for other, _ in said.near(id)]))
        items = self._ledger.review.items(other for other, _ in said.near(id))
        return [
            {"id": other, "hash": items[other].hash, "label": labels.get(other), "cosine": round(cosine, 3)}
            for other, cosine in said.near(id)
            if other in items and other not in self._apart and items[other].problem is None
        ]

    def reason(self, id: str) -> dict[str, Any] | None:
        """What the model thinks an image is; None when it has not looked at it."""
        said = self.opinions()
        if said is None or id in self._apart or id not in said.row:
            return None
        near = [one for one in self.near(id) if one["label"] is not None][:SHOWN]
        now = self._ledger.classes.renamed()
        rejection, confusion = said.scores[said.row[id]].tolist()
        nearest = max((one["cosine"] for one in near), default=0.0)
        return {
            "from": "model",
            "cycle": said.cycle,
            "provisional": said.cycle == 0,
            "labeled": (self._ledger.fit_report(said.cycle) or {}).get("labeled"),
            "likelihoods": [(now.get(name, name), share) for name, share in said.likeliest(id)],
            "rejection": rejection,
            "confusion": confusion,
            "near": [{"image": one["hash"], "label": one["label"], "size": None} for one in near],
            "alone": nearest < ALONE,
        }

    def recorded(self, id: str, size: SizeOf) -> dict[str, Any] | None:
        """What the model that last asked for an image wrote down of it; None when none did."""
        asked = latest_query(self._ledger)
        for cycle in range(asked.cycle if asked is not None else 0, 0, -1):
            found = read_reasons(self._run.cycle(cycle)).get(id)
            if found is not None:
                return self.told({"cycle": cycle, **as_json(found)}, size)
        return None

    def unseen(self, id: str) -> bool:
        """Whether the last model has not looked at an image of which it may say something."""
        said = self.opinions()
        return said is not None and said.cycle > 0 and id not in self._apart and id not in said.row

    def told(self, said: dict[str, Any], size: SizeOf) -> dict[str, Any]:
        """What a model says of an image, with the pictures of those that are near.

        Args:
            said: a :class:`ncenet.run.records.Reason` as JSON, and its cycle.
            size: of images on which boxes are drawn.
        """
        near = self._ledger.review.items(other for other, _ in said["near"])
        shown = [
            {"image": near[other].hash, "label": label, "size": size(other)}
            for other, label in said["near"]
            if other in near
        ]
        told = {"from": "model", **said, "near": shown}
        if "likelihoods" in said:
            # Pairs: in a browser, keys "8" and "3" of an object would come in the order of numbers.
            told["likelihoods"] = list(said["likelihoods"].items())
        return told


ALONE = 0.5
"""Cosine to the nearest labelled image below which an image is said to be unlike all of them (ours)."""
