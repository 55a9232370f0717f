"""A query from files is what sorting all rows would give, within its budgets."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from ncenet.errors import UsageError
from ncenet.rng import Lots
from ncenet.selection.best import Best
from ncenet.selection.budget import Budget
from ncenet.selection.choose import open_files
from ncenet.selection.quotas import Quota
from ncenet.tables import write_csv
from tests.selection.make import best, chosen, margins, shards, table


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

    def test_a_threshold_keeps_most_rows_out(self, tmp_path):
        whole = shards(tmp_path / "s", (3000, 3000))
        assert list(chosen(tmp_path / "s", n=7).query.ids) == best(margins(whole), 7)
        scores = np.random.default_rng(0).random(6000)
        found, asked = Best(7, ["a"], Lots(0)), []
        for start in range(0, 6000, 500):
            found.push(
                scores[start : start + 500],
                lambda rows, start=start: [asked.append(row) or f"{start + row:04}" for row in rows],
                0,
                start,
            )
        order = np.argsort(-scores)[:7]
        assert [row.id for row in found.rows()] == [f"{row:04}" for row in order]
        assert len(asked) == 12 * 7, "ids of the best of each chunk are looked at, and no others"

    def test_of_equal_scores_some_are_drawn_by_the_seed(self, tmp_path):
        pq.write_table(
            pa.table({"id": [f"{n:04}" for n in range(400)], "p": [0.5] * 400}), tmp_path / "a.parquet"
        )
        drawn = [set(chosen(tmp_path / "a.parquet", n=20, by="p", seed=seed).query.ids) for seed in (0, 1)]
        assert drawn[0] != drawn[1]
        for ids in drawn:
            assert min(ids) < "0100" and max(ids) >= "0300", "the order of ids does not choose"

    @pytest.mark.parametrize("strategy", ["margin", "random"])
    def test_the_order_and_the_number_of_files_change_nothing(self, tmp_path, strategy):
        whole = shards(tmp_path / "s")
        pq.write_table(whole.take(np.arange(len(whole))[::-1].copy()), tmp_path / "one.parquet")
        files = [tmp_path / "s" / f"{number}.parquet" for number in (2, 0, 1)]
        several, one = (
            chosen(*given, n=40, strategy=strategy) for given in (files, [tmp_path / "one.parquet"])
        )
        assert several.query == one.query

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
        probs = np.stack(whole["likelihood"].to_numpy()).astype(np.float64)
        pq.write_table(whole.set_column(1, "likelihood", pa.array(probs.tolist())), tmp_path / "b.parquet")
        flat = pa.table({"id": whole["id"]} | {f"likelihood[{c}]": probs[:, c] for c in range(3)})
        pyarrow.csv.write_csv(flat, tmp_path / "a.csv")
        found = chosen(tmp_path / "a.csv", n=30, strategy="margin").query
        assert found == chosen(tmp_path / "b.parquet", n=30, strategy="margin").query

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
        told = "passed over 1 image with a reason why it could not be read, such as '{}': not an image"
        assert found.notes == (told.format(part["id"][2].as_py()),)


class TestDifferent:
    @pytest.mark.parametrize("how", ["herding", "kmeans", "kcenter", "badge"])
    def test_a_query_is_spread_over_the_best(self, tmp_path, how):
        """Twenty copies of each of five images: a query of five has one of each."""
        rng = np.random.default_rng(0)
        places = np.repeat(10 * np.eye(5), 20, axis=0) + 0.01 * rng.standard_normal((100, 5))
        part = table(100, dim=5)
        if how == "badge":  # its gradients are as long as the doubt: here all are equally long
            alike = pa.FixedSizeListArray.from_arrays(pa.array(np.tile([0.5, 0.3, 0.2], 100)), 3)
            part = part.set_column(1, "likelihood", alike)
        kind = pa.FixedSizeListArray.from_arrays(pa.array(places.ravel().astype(np.float16)), 5)
        pq.write_table(part.set_column(2, "embedding", kind), tmp_path / "a.parquet")
        found = chosen(tmp_path / "a.parquet", n=5, diversify=how, factor=20)
        kinds = {row // 20 for _, row in found.places}
        assert kinds == {0, 1, 2, 3, 4}
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
