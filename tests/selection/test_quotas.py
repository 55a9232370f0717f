"""Quotas: at least and at most so many of a value, whatever else decides."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from ncenet.errors import DataError, UsageError
from ncenet.selection.quotas import Quota
from tests.selection.make import best, chosen, margins, shards, table


class TestQuotas:
    def test_at_most_is_the_greedy_choice(self, tmp_path):
        whole = shards(tmp_path / "s")
        found = chosen(tmp_path / "s", n=30, quotas=[Quota("camera", most=8), Quota("day", most=12)])
        scores, values = margins(whole), {row["id"]: row for row in whole.to_pylist()}
        expected, cameras, days = [], Counter(), Counter()
        for id in best(scores, 150):
            camera, day = values[id]["camera"], values[id]["day"]
            if len(expected) < 30 and cameras[camera] < 8 and days[day] < 12:
                expected.append(id)
                cameras[camera] += 1
                days[day] += 1
        assert list(found.query.ids) == expected and max(cameras.values()) == 8

    def test_at_least_comes_first(self, tmp_path):
        whole = shards(tmp_path / "s")
        values = {row["id"]: row["camera"] for row in whole.to_pylist()}
        found = chosen(tmp_path / "s", n=20, quotas=[Quota("camera", least=6)])
        counts = Counter(values[id] for id in found.query.ids)
        assert len(found.query) == 20 and min(counts.values()) >= 6 and not found.short
        west = {id: score for id, score in margins(whole).items() if values[id] == "west"}
        assert set(best(west, 6)) <= set(found.query.ids)

    def test_a_value_with_fewer_gives_all_and_is_named(self, tmp_path):
        whole = shards(tmp_path / "s")
        west = whole["camera"].to_pylist().count("west")
        found = chosen(tmp_path / "s", n=150, quotas=[Quota("camera", least=west + 1)])
        assert found.short == {("camera", "west"): west}

    def test_more_at_least_than_there_is_room_for(self, tmp_path):
        shards(tmp_path / "s")
        with pytest.raises(UsageError, match=r"camera at least 10: that is 30 images .* the query has 20"):
            chosen(tmp_path / "s", n=20, quotas=[Quota("camera", least=10)])

    @pytest.mark.parametrize(
        "text", ["camera", "camera=", "=5", "camera=a", "camera=0", "camera=5:2", "camera=-1"]
    )
    def test_a_quota_that_is_none(self, text):
        with pytest.raises(UsageError, match="`quota`"):
            Quota.parse(text)

    def test_images_that_count_for_two_columns_come_first(self, tmp_path):
        """Each camera has one day of its own: five images of each serve both, if they are the right ones."""
        part = table(60)
        days = [{"north": 0, "south": 1, "west": 2}[camera] for camera in part["camera"].to_pylist()]
        days[::4] = [3] * 15
        pq.write_table(part.set_column(4, "day", pa.array(days)), tmp_path / "a.parquet")
        quotas = [Quota("camera", least=2), Quota("day", least=2)]
        found = chosen(tmp_path / "a.parquet", n=8, quotas=quotas)
        rows = {row["id"]: row for row in pq.read_table(tmp_path / "a.parquet").to_pylist()}
        for column, values in (("camera", 3), ("day", 4)):
            counts = Counter(rows[id][column] for id in found.query.ids)
            assert len(counts) == values and min(counts.values()) >= 2, column

    @pytest.mark.parametrize("named", [True, False])
    def test_the_predicted_class_of_likelihoods(self, tmp_path, named):
        whole = table(90)
        probs = np.stack(whole["likelihood"].to_numpy())
        columns = {f"prob_{name}": probs[:, c] for c, name in enumerate(("cat", "dog", "cow"))}
        there = whole.select(["id"]) if named else whole.select(["id", "likelihood"])
        for name, values in columns.items() if named else ():
            there = there.append_column(name, pa.array(values))
        pq.write_table(there, tmp_path / "a.parquet")
        found = chosen(tmp_path / "a.parquet", n=12, quotas=[Quota("predicted", most=4)])
        best_of = dict(zip(whole["id"].to_pylist(), probs.argmax(1).tolist(), strict=True))
        assert Counter(best_of[id] for id in found.query.ids) == {0: 4, 1: 4, 2: 4}
        short = chosen(tmp_path / "a.parquet", n=90, quotas=[Quota("predicted", least=80)]).short
        names = ("cat", "dog", "cow") if named else ("0", "1", "2")
        assert {value for _, value in short} == set(names)

    def test_images_without_a_value_are_a_group_of_their_own(self, tmp_path):
        cameras = ["north", None] * 20
        part = table(40).drop_columns("camera").append_column("camera", pa.array(cameras))
        pq.write_table(part, tmp_path / "a.parquet")
        found = chosen(tmp_path / "a.parquet", n=40, quotas=[Quota("camera", least=25)])
        assert found.short == {("camera", ""): 20, ("camera", "north"): 20}

    def test_bounds_of_one_column_that_contradict_each_other(self, tmp_path):
        shards(tmp_path / "s")
        with pytest.raises(UsageError, match="camera: at most 3 and at least 5 cannot be"):
            chosen(tmp_path / "s", n=9, quotas=[Quota("camera", most=3), Quota("camera", least=5)])
        both = [Quota("camera", most=5), Quota("camera", least=3)]
        assert len(chosen(tmp_path / "s", n=12, quotas=both).query) == 12

    def test_what_keeps_the_least_from_being_reached_is_told(self, tmp_path):
        """All of a site stand before one camera, of which few are wanted."""
        whole = table(60)
        sites = ["hall" if camera == "west" else "yard" for camera in whole["camera"].to_pylist()]
        assert 3 < sites.count("hall") < 20
        pq.write_table(whole.append_column("site", pa.array(sites)), tmp_path / "a.parquet")
        quotas = [Quota("camera", most=2), Quota("site", least=3)]
        assert chosen(tmp_path / "a.parquet", n=6, quotas=quotas).short == {("site", "hall"): 2}

    @pytest.mark.parametrize("column", ["likelihood", "embedding"])
    def test_a_column_of_lists_has_no_values_to_count(self, tmp_path, column):
        shards(tmp_path / "s")
        with pytest.raises(DataError, match=f"column '{column}' holds .*, and a quota counts"):
            chosen(tmp_path / "s", n=5, quotas=[Quota(column, most=2)])

    def test_a_column_that_is_not_there(self, tmp_path):
        shards(tmp_path / "s")
        with pytest.raises(UsageError, match="no such column, only id, likelihood"):
            chosen(tmp_path / "s", n=5, quotas=[Quota("camra", most=2)])
