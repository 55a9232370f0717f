"""Files and wishes that no query can be made of: each is refused, with its place."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from ncenet.errors import DataError, NcenetError, NonFiniteScore, UsageError
from tests.selection.make import chosen, shards, table


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
        assert "2 scores are not finite" in said

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

    @pytest.mark.parametrize("wish", [{}, {"strategy": "margin"}])
    def test_plain_columns_that_may_be_likelihoods_are_led_to_their_names(self, tmp_path, wish):
        (tmp_path / "scores.csv").write_text("id,a,b,c\nx,0.2,0.3,0.5\ny,0.1,0.1,0.8\n")
        with pytest.raises(UsageError, match=r"class likelihoods, say which: `probs` takes a pattern"):
            chosen(tmp_path, n=1, **wish)
        assert chosen(tmp_path, n=1, probs="?", **wish).query.ids == ("x",)


def chosen_softmax(tmp_path):
    probs = np.random.default_rng(0).dirichlet(np.ones(3), 20)
    flat = pa.table({"id": [str(n) for n in range(20)]} | {f"prob_{c}": probs[:, c] for c in range(3)})
    pq.write_table(flat, tmp_path / "softmax.parquet")
    return chosen(tmp_path / "softmax.parquet", n=2, strategy="rejection")
