"""A query from files is what sorting all rows would give, within its quotas and budgets."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from ncenet.errors import DataError, NcenetError, NonFiniteScore, UsageError
from ncenet.selection import best as best_module
from ncenet.selection.budget import Budget
from ncenet.selection.choose import choose, open_files
from ncenet.selection.quotas import Quota
from ncenet.selection.wish import Wish
from ncenet.tables import write_csv
from tests.selection.make import best, margins, shards, table


def chosen(*sources, n=None, id="id", **wish):
    budget = wish.pop("budget", Budget(images=n))
    return choose(open_files([str(source) for source in sources], id), Wish(budget, id=id, **wish))


class TestExact:
    @pytest.mark.parametrize("n", [1, 10, 149, 150, 400])
    def test_what_sorting_gives_ties_and_all(self, tmp_path, n):
        whole = shards(tmp_path / "s")
        found = chosen(tmp_path / "s", n=n, strategy="margin")
        scores = margins(whole)
        assert list(found.query.ids) == best(scores, n)
        assert list(found.query.scores) == pytest.approx([scores[id] for id in found.query.ids])
        assert found.rows == 150
        assert len(set(margins(whole).values())) < 100, "there are ties"

    def test_rows_that_are_merged_many_times(self, tmp_path, monkeypatch):
        counts = (3000, 3000)
        whole = shards(tmp_path / "s", counts)
        expected = best(margins(whole), 7)
        pushed = []
        merge = best_module.Best._merge
        monkeypatch.setattr(
            best_module.Best, "_merge", lambda self: pushed.append(len(self._rows)) or merge(self)
        )
        assert list(chosen(tmp_path / "s", n=7).query.ids) == expected
        assert max(pushed) < 3000, "a threshold kept most rows out"

    def test_the_order_and_the_number_of_files_change_nothing(self, tmp_path):
        whole = shards(tmp_path / "s")
        pq.write_table(whole.take(np.arange(len(whole))[::-1].copy()), tmp_path / "one.parquet")
        several = chosen(tmp_path / "s/2.parquet", tmp_path / "s/0.parquet", tmp_path / "s/1.parquet", n=40)
        assert several.query == chosen(tmp_path / "one.parquet", n=40).query

    def test_places_are_those_of_the_rows(self, tmp_path):
        shards(tmp_path / "s")
        found = chosen(tmp_path / "s", n=20)
        for id, (file, row) in zip(found.query.ids, found.places, strict=True):
            assert pq.read_table(file)["id"][row].as_py() == id

    @pytest.mark.parametrize("strategy", ["entropy", "least-confidence", "confusion"])
    def test_any_strategy_that_ranks(self, tmp_path, strategy):
        import ncenet

        whole = shards(tmp_path / "s")
        probs = np.stack(whole["likelihood"].to_numpy())
        expected = ncenet.select(probs, 25, strategy=strategy, ids=whole["id"].to_pylist())
        assert chosen(tmp_path / "s", n=25, strategy=strategy).query == expected

    def test_a_column_from_above_and_from_below(self, tmp_path):
        shards(tmp_path / "s", (40,), doubt=pa.array(np.arange(40.0)))
        rows = pq.read_table(tmp_path / "s/0.parquet")["id"].to_pylist()
        assert list(chosen(tmp_path / "s", n=3, by="doubt").query.ids) == rows[:-4:-1]
        assert list(chosen(tmp_path / "s", n=3, by="-doubt").query.ids) == rows[:3]

    def test_random_is_that_of_the_seed(self, tmp_path):
        shards(tmp_path / "s")
        one, again, other = (chosen(tmp_path / "s", n=9, strategy="random", seed=s).query for s in (1, 1, 2))
        assert one == again and one.ids != other.ids

    def test_csv_says_what_parquet_says(self, tmp_path):
        whole = shards(tmp_path / "s")
        probs = np.stack(whole["likelihood"].to_numpy())
        flat = pa.table({"id": whole["id"]} | {f"likelihood[{c}]": probs[:, c] for c in range(3)})
        pyarrow.csv.write_csv(flat, tmp_path / "a.csv")
        found = chosen(tmp_path / "a.csv", n=30, strategy="margin").query
        assert found.ids == chosen(tmp_path / "s", n=30, strategy="margin").query.ids

    def test_columns_by_a_pattern_and_an_id_by_its_name(self, tmp_path):
        (tmp_path / "a.csv").write_text("key,p_cat,p_dog\na,0.9,0.1\n'=b,0.5,0.5\n")
        assert chosen(tmp_path / "a.csv", n=1, id="key", probs="p_*").query.ids == ("=b",)

    def test_cells_that_a_spreadsheet_would_run_come_back_as_they_were(self, tmp_path):
        begins = [
            "=",
            "+",
            "-",
            "@",
            "\t",
            "\r",
            "'=",
            "''+",
            "\uff1d",
            "\uff0b",
            "\uff0d",
            "\uff20",
            "'",
            "a",
        ]
        ids = [f"{begin}{n}.jpg" for n, begin in enumerate(begins)]
        rows = [(id, n / 20, begins[n % 4]) for n, id in enumerate(ids)]
        write_csv(tmp_path / "a.csv", ("id", "confusion", "camera"), rows)
        found = chosen(tmp_path / "a.csv", n=len(ids), by="confusion").query
        assert sorted(found.ids) == sorted(ids)
        quota = Quota.parse("camera=1:1")
        assert len(chosen(tmp_path / "a.csv", n=4, by="confusion", quotas=(quota,)).query.ids) == 4
        skipped = chosen(tmp_path / "a.csv", n=20, by="confusion", skip=frozenset(ids[:9])).query
        assert sorted(skipped.ids) == sorted(ids[9:])

    def test_ids_that_are_passed_over(self, tmp_path):
        whole = shards(tmp_path / "s")
        pq.write_table(whole, tmp_path / "one.parquet")  # whose best are all passed over
        for count in (12, 100):
            skip = frozenset(best(margins(whole), count))
            expected = best(margins(whole), 10, skip)
            for source in ("s", "one.parquet"):
                assert list(chosen(tmp_path / source, n=10, skip=skip).query.ids) == expected

    def test_images_that_could_not_be_read_are_counted(self, tmp_path):
        part = table(6)
        likelihood = part["likelihood"].to_pylist()
        likelihood[2] = [float("nan")] * 3
        part = part.set_column(1, "likelihood", pa.array(likelihood, pa.list_(pa.float32(), 3)))
        part = part.append_column("reason", pa.array(["", "", "not an image", "", "", ""]))
        pq.write_table(part, tmp_path / "a.parquet")
        found = chosen(tmp_path / "a.parquet", n=6)
        assert found.unread == 1 and len(found.query) == 5


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


class TestDifferent:
    @pytest.mark.parametrize("how", ["herding", "kmeans", "kcenter", "badge"])
    def test_a_query_is_spread_over_the_best(self, tmp_path, how):
        """Twenty copies of each of five images: a query of five has one of each."""
        rng = np.random.default_rng(0)
        places = np.repeat(10 * np.eye(5), 20, axis=0) + 0.01 * rng.standard_normal((100, 5))
        part = table(100, dim=5)
        kind = pa.FixedSizeListArray.from_arrays(pa.array(places.ravel().astype(np.float16)), 5)
        pq.write_table(part.set_column(2, "embedding", kind), tmp_path / "a.parquet")
        found = chosen(tmp_path / "a.parquet", n=5, diversify=how, factor=20)
        kinds, plain = (
            {row // 20 for _, row in each.places} for each in (found, chosen(tmp_path / "a.parquet", n=5))
        )
        # Gradients are as long as the doubt, so what is drawn of them may have two of one kind.
        assert len(kinds) >= 4 if how == "badge" else kinds == {0, 1, 2, 3, 4}
        assert len(plain) < 5
        assert list(found.query.scores) == sorted(found.query.scores, reverse=True)
        assert found.query == chosen(tmp_path / "a.parquet", n=5, diversify=how, factor=20).query

    def test_quotas_hold_under_diversity(self, tmp_path):
        whole = shards(tmp_path / "s")
        values = {row["id"]: row["camera"] for row in whole.to_pylist()}
        quotas = [Quota("camera", most=5)]
        found = chosen(tmp_path / "s", n=15, diversify="herding", quotas=quotas)
        plain = chosen(tmp_path / "s", n=15, quotas=quotas)
        assert Counter(values[id] for id in found.query.ids) == {"north": 5, "south": 5, "west": 5}
        assert found.query.ids != plain.query.ids

    def test_near_copies_count_once_and_others_take_their_place(self, tmp_path):
        part = table(40, dim=6)
        vectors = np.random.default_rng(1).standard_normal((40, 6)).astype(np.float16)
        scores = np.arange(40.0)
        vectors[30:] = vectors[39]  # the ten best are one image
        kind = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), 6)
        part = part.set_column(2, "embedding", kind).append_column("doubt", pa.array(scores))
        pq.write_table(part, tmp_path / "a.parquet")
        ids = part["id"].to_pylist()
        found = chosen(tmp_path / "a.parquet", n=4, by="doubt", near=1e-3, factor=2)
        assert list(found.query.ids) == [ids[39], ids[29], ids[28], ids[27]] and found.copies == 9

    def test_embeddings_are_needed(self, tmp_path):
        pq.write_table(table(9).drop_columns("embedding"), tmp_path / "a.parquet")
        with pytest.raises(
            UsageError, match=r"`diversify` compares images by their embeddings.*class likelihoods"
        ):
            chosen(tmp_path / "a.parquet", n=2, diversify="herding")


class TestBudget:
    def test_minutes(self, tmp_path):
        shards(tmp_path / "s")
        assert len(chosen(tmp_path / "s", budget=Budget(seconds=95, seconds_an_image=10)).query) == 9

    def test_nothing_says_how_many(self, tmp_path):
        shards(tmp_path / "s")
        with pytest.raises(UsageError, match="how many"):
            chosen(tmp_path / "s")

    def test_a_budget_that_pays_for_none(self, tmp_path):
        shards(tmp_path / "s")
        with pytest.raises(UsageError, match="an image takes 10 s, and 6 s are less"):
            chosen(tmp_path / "s", budget=Budget(seconds=6, seconds_an_image=10))

    def test_rows_of_a_large_row_group_are_read_in_parts(self, tmp_path, monkeypatch):
        whole = table(5000)
        pq.write_table(whole, tmp_path / "a.parquet")
        monkeypatch.setattr("ncenet.parquet_rows.WANTED_BYTES", 20_000)
        (file,) = open_files([str(tmp_path / "a.parquet")]).files
        wanted = [3, 1023, 1024, 2500, 4999]
        assert file.rows(wanted, ["id", "embedding"]).equals(whole.select(["id", "embedding"]).take(wanted))
        sizes = [len(part) for _, part in file.chunks(["id"])]
        assert 100 < max(sizes) < 2000 and sum(sizes) == 5000


class TestRefused:
    def refused(self, tmp_path, *tables, error=DataError, **wish):
        for number, each in enumerate(tables):
            pq.write_table(each, tmp_path / f"{number}.parquet")
        with pytest.raises(error) as raised:
            chosen(tmp_path, n=5, **wish)
        return str(raised.value)

    def test_no_column_of_ids(self, tmp_path):
        names = ["key", "likelihood", "embedding", "camera", "day"]
        said = self.refused(tmp_path, table(5).rename_columns(names), error=UsageError)
        assert "has no column 'id', only key, likelihood" in said and "as `id_column`" in said

    def test_two_models_by_what_the_files_say(self, tmp_path):
        shards(tmp_path / "a", (5,), about={"model": "1f", "class_names": []})
        shards(tmp_path / "b", (6,), about={"model": "2e", "class_names": []})
        with pytest.raises(DataError, match="made by two models"):
            chosen(tmp_path / "a", tmp_path / "b", n=2)

    def test_two_models_by_a_column(self, tmp_path):
        tables = [table(5, first=10 * k, model=pa.array([name] * 5)) for k, name in enumerate("ab")]
        assert "names a and b: scores of two models" in self.refused(tmp_path, *tables)

    def test_nan_without_a_reason(self, tmp_path):
        said = self.refused(tmp_path, table(5, doubt=pa.array([1.0, 2, float("nan"), 4, None])), by="doubt",
                            error=NonFiniteScore)  # fmt: skip
        assert "2 score(s) are not finite" in said

    @pytest.mark.parametrize("name", ["0.parquet", "copy.parquet"])
    def test_a_shard_twice(self, tmp_path, name):
        shards(tmp_path / "s", (20, 30))
        (tmp_path / "s" / "copy.parquet").write_bytes((tmp_path / "s/0.parquet").read_bytes())
        with pytest.raises(DataError, match=r"hold the same rows|is named twice"):
            chosen(tmp_path / "s/0.parquet", tmp_path / "s" / name, n=2)

    def test_an_id_twice_in_shards_that_differ(self, tmp_path):
        first = table(30)
        said = self.refused(tmp_path, first, pa.concat_tables([table(5, first=50), first.slice(0, 20)]))
        assert "is there twice, in" in said and "0.parquet" in said and "1.parquet" in said

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            (lambda t: t.set_column(0, "id", pa.array(range(5))), "'id' is text in .* and int64 in"),
            (
                lambda t: t.set_column(5, "doubt", pa.array([1.0] * 5, pa.float32())),
                "'doubt' is double in .* and float in",
            ),
            (lambda t: t.drop_columns("doubt"), "'doubt' and .* has none"),
        ],
    )
    def test_types_that_differ(self, tmp_path, change, why):
        import re

        first, second = (table(5, first=k, doubt=pa.array([1.0] * 5)) for k in (0, 10))
        assert re.search(why, self.refused(tmp_path, first, change(second)))

    def test_logits(self, tmp_path):
        (tmp_path / "a.csv").write_text("id,prob_a,prob_b\nx,3.2,-1\n")
        with pytest.raises(UsageError, match="are these logits"):
            chosen(tmp_path / "a.csv", n=1)

    def test_a_strategy_that_takes_more_than_there_is(self, tmp_path):
        shards(tmp_path / "s")
        with pytest.raises(UsageError) as raised:
            chosen(tmp_path / "s", n=2, strategy="core-set")
        assert "hold class likelihoods" in str(raised.value) and "`diversify`" in str(raised.value)
        with pytest.raises(UsageError, match="sum to one"):
            chosen_softmax(tmp_path)

    def test_scores_alone_need_a_column_to_be_named(self, tmp_path):
        (tmp_path / "a.csv").write_text("id,doubt\nx,1\n")
        with pytest.raises(UsageError, match="`by` COLUMN ranks by one of doubt"):
            chosen(tmp_path / "a.csv", n=1)
        with pytest.raises(UsageError, match="no such column of numbers"):
            chosen(tmp_path / "a.csv", n=1, by="doubts")

    @pytest.mark.parametrize(
        ("text", "why"),
        [("", "is empty"), ("id,a\nx\n", "CSV parse error"), ("id,a\nx,b\n", "holds what is no number"),
         ("id,a,a\nx,1,2\n", "'a' twice")],
    )  # fmt: skip
    def test_csv_that_is_none(self, tmp_path, text, why):
        (tmp_path / "a.csv").write_text(text)
        with pytest.raises(NcenetError, match=why):
            chosen(tmp_path / "a.csv", n=1, by="a")

    def test_a_truncated_shard(self, tmp_path):
        shards(tmp_path / "s")
        whole = (tmp_path / "s/1.parquet").read_bytes()
        (tmp_path / "s/1.parquet").write_bytes(whole[: len(whole) // 2])
        with pytest.raises(DataError, match=r"1.parquet: .*footer"):
            chosen(tmp_path / "s", n=2)

    def test_a_place_with_nothing(self, tmp_path):
        with pytest.raises(UsageError, match="there is no such file"):
            chosen(tmp_path / "nowhere", n=1)
        (tmp_path / "empty").mkdir()
        with pytest.raises(UsageError, match=r"holds no file that ends in .parquet or .csv"):
            chosen(tmp_path / "empty", n=1)


def chosen_softmax(tmp_path):
    probs = np.random.default_rng(0).dirichlet(np.ones(3), 20)
    flat = pa.table({"id": [str(n) for n in range(20)]} | {f"prob_{c}": probs[:, c] for c in range(3)})
    pq.write_table(flat, tmp_path / "softmax.parquet")
    return chosen(tmp_path / "softmax.parquet", n=2, strategy="rejection")
