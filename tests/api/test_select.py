"""Strategies on plain arrays."""

from pathlib import Path

import numpy as np
import pytest
import torch

import ncenet
from ncenet.errors import DataError, NonFiniteScore, UnknownName, UsageError
from ncenet.strategies import strategies
from tests.contracts.fakes import fake_view

N, L, C, D, M = 23, 6, 4, 6, 3
RNG = np.random.default_rng(0)
PROBS = RNG.dirichlet(np.ones(C), N)
FEATURES = RNG.normal(size=(N, D))
SAMPLES = RNG.dirichlet(np.ones(C), (M, N))
ARRAYS = {
    "probs": 0.9 * PROBS,  # as of an NCE head: rows need not sum to one
    "features": FEATURES,
    "samples": SAMPLES,
    "labeled_probs": RNG.dirichlet(np.ones(C), L),
    "labeled_features": RNG.normal(size=(L, D)),
    "labels": [0, 1, 2, 3, 0, 1],
}
NOT_FROM_ARRAYS = {"vaal", "sraal", "ll4al", "herding"}


@pytest.mark.parametrize("name", strategies.names())
def test_every_strategy_works_on_arrays_or_says_why_not(name):
    if name == "scikit-activeml":
        pytest.importorskip("skactiveml")
    if name in NOT_FROM_ARRAYS:
        with pytest.raises(UsageError, match=rf"{name} reads .*arrays hold none: use it in a run"):
            ncenet.select(**ARRAYS, query_size=5, strategy=name)
        return
    query = ncenet.select(**ARRAYS, query_size=5, strategy=name)
    assert len(set(query.ids)) == 5 and set(query.ids) <= {f"{row:05}" for row in range(N)}
    tensors = {key: torch.as_tensor(value) for key, value in ARRAYS.items()}
    assert ncenet.select(**tensors, query_size=5, strategy=name) == query, "numpy and torch alike"


def test_rows_may_be_arrays_or_tensors_one_by_one():
    query = ncenet.select(PROBS, 5)
    assert ncenet.select([torch.tensor(row) for row in PROBS], 5) == query
    assert ncenet.select(tuple(PROBS), 5) == query
    with pytest.raises(UsageError, match=r"^probs: no array of numbers"):
        ncenet.select([torch.rand(2), torch.rand(3)], 1)


def test_features_that_single_precision_would_make_equal_are_refused():
    given = {"query_size": 3, "strategy": "core-set"}
    with pytest.raises(
        DataError, match=r"^features: the vectors lie so far from zero .* subtract their mean"
    ):
        ncenet.select(features=FEATURES + 1e9, **given)
    far = FEATURES + 1e9
    assert (
        ncenet.select(features=far - far.mean(0), **given).ids
        == ncenet.select(features=FEATURES, **given).ids
    )


@pytest.mark.parametrize("seed", [-1, 2**63, 1.5, "a", None])
def test_a_seed_that_is_none_is_refused(tmp_path, seed):
    (tmp_path / "a.csv").write_text("id,p\na,1\nb,2\n")
    for given, strategy in ((PROBS, "margin"), (PROBS, "random"), (tmp_path / "a.csv", "random")):
        with pytest.raises(UsageError, match=r"`seed`: .* is no whole number from 0 to 2\*\*63 - 1"):
            ncenet.select(given, 1, strategy=strategy, seed=seed, notify=False)


@pytest.mark.parametrize("name", ["margin", "uherding"])
def test_one_class_has_no_two_to_compare(name):
    with pytest.raises(
        UsageError, match=rf"^{name} compares the two likeliest classes, and .* \(5, 1\) are of"
    ):
        ncenet.select(PROBS[:5, :1], 2, features=FEATURES[:5], strategy=name)


def test_one_pass_disagrees_with_no_other():
    with pytest.raises(UsageError, match=r"^bald compares passes, and samples of shape \(1, 23, 4\)"):
        ncenet.select(samples=SAMPLES[:1], query_size=2, strategy="bald")


@pytest.mark.parametrize("name", ["margin", "core-set", "badge", "class-balanced", "typiclust", "random"])
def test_it_is_what_the_strategy_says_of_a_pool(name):
    strategy = strategies.get(name)()
    view = fake_view(strategy.needs | {"probs", "features"})
    asked = strategy.query(view, 7, rng=torch.Generator().manual_seed(5))
    whole = view.but(chunk=100)
    (pool,), (labeled,) = whole.predictions(), whole.labeled_predictions()
    got = ncenet.select(
        probs=pool.probs,
        features=pool.features,
        ids=pool.ids,
        labeled_probs=labeled.probs,
        labeled_features=labeled.features,
        query_size=7,
        strategy=name,
        seed=5,
    )
    assert got.ids == asked.ids
    assert got.scores == pytest.approx(asked.scores)


def test_predictions_may_be_given_as_they_come():
    whole = ncenet.select(PROBS, 5)
    ids = [f"{row:05}" for row in range(N)]
    chunks = [
        ncenet.parts.Prediction(ids[start : start + 5], torch.as_tensor(PROBS[start : start + 5]))
        for start in range(0, N, 5)
    ]
    assert ncenet.select(chunks, 5) == ncenet.select(iter(chunks), 5) == whole
    assert ncenet.select(ncenet.parts.Prediction(ids, torch.as_tensor(PROBS)), 5) == whole
    assert ncenet.select(PROBS.tolist(), 5, ids=ids).ids == whole.ids


def test_what_chunks_say_is_put_together_by_name():
    def chunk(rows, **more):
        ids = [f"{row:05}" for row in range(N)][rows]
        return ncenet.parts.Prediction(ids, PROBS[rows], **more)

    whole, first, rest = ncenet.select(PROBS, 5), slice(5), slice(5, None)
    with_samples = {"samples": SAMPLES[:, first]}
    losses = {"loss": torch.ones(N)}
    for chunks in (
        [chunk(first), chunk(rest)],
        [chunk(first, extras=with_samples), chunk(rest)],  # nobody asks for them
        [chunk(rest), chunk(first, extras=with_samples)],
        [chunk(first), chunk(rest, extras=None)],
        [chunk(slice(0)), chunk(slice(None))],
        chunk(slice(None), extras=losses),
    ):
        assert ncenet.select(chunks, 5) == whole
    other = ncenet.parts.Prediction(["a"], torch.ones(1, C + 1))
    with pytest.raises(UsageError, match=r"probs are \(5, 4\) in the first chunk and \(1, 5\) in another"):
        ncenet.select([chunk(first), other], 5)


@pytest.mark.parametrize(
    ("strategy", "what"), [("margin", "probs"), ("core-set", "features"), ("bald", "samples")]
)
@pytest.mark.parametrize("none", [None, np.empty((5, 0))], ids=["nothing", "no columns"])
@pytest.mark.parametrize("place", [0, 1])
def test_a_chunk_that_lacks_what_a_strategy_needs_is_named(strategy, what, none, place):
    if what == "samples" and none is not None:
        none = np.empty((3, 5, 0))
    rows = [slice(0, 5), slice(5, 10)]
    parts = [{"probs": PROBS[row], "features": FEATURES[row], "samples": SAMPLES[:, row]} for row in rows]
    parts[place][what] = none
    chunks = [
        ncenet.parts.Prediction(
            [f"{row}" for row in range(N)][at], part["probs"], part["features"], {"samples": part["samples"]}
        )
        for at, part in zip(rows, parts, strict=True)
    ]
    begins = f"{strategy} needs {what}, and the chunk that begins with '{5 * place}' has none"
    with pytest.raises(UsageError, match=begins):
        ncenet.select(chunks, 5, strategy=strategy)
    others = {"margin", "core-set", "bald"} - {strategy}
    assert all(ncenet.select(chunks, 2, strategy=name).ids for name in others)  # nobody asks for it


def test_a_chunk_with_more_ids_than_rows_would_move_those_of_the_next():
    chunks = [ncenet.parts.Prediction(ids, PROBS[:2]) for ids in (["a", "b", "c"], ["d"])]
    with pytest.raises(UsageError, match="the chunk that begins with 'a' has 3 ids and probs of 2 images"):
        ncenet.select(chunks, 1)
    with pytest.raises(UsageError, match="a chunk has 0 ids and probs of 2 images"):
        ncenet.select([ncenet.parts.Prediction([], PROBS[:2]), chunks[0]], 1)


@pytest.mark.parametrize(
    "ids",
    [np.arange(N), torch.arange(N), range(N), np.arange(N).astype(str), [Path(str(n)) for n in range(N)]],
    ids=["numpy", "torch", "range", "numpy texts", "paths"],
)
def test_ids_come_back_as_their_text(ids):
    assert ncenet.select(PROBS, N, ids=ids).ids == tuple(str(int(id)) for id in ncenet.select(PROBS, N).ids)


@pytest.mark.parametrize(
    "id",
    [b"a", 0.5, float("nan"), None, ("a", 1), torch.tensor(3), np.array([1])],
    ids=["bytes", "half", "nan", "none", "pair", "tensor", "array"],
)
def test_what_is_no_id_is_refused_and_not_written_out(id):
    of = rf"is of type {type(id).__name__}: an id is a text or a whole number"
    with pytest.raises(UsageError, match=of):
        ncenet.select(PROBS, 2, ids=[*map(str, range(N - 1)), id])


def test_options_go_to_the_strategy():
    spread = ncenet.select(PROBS, 5, features=FEATURES, options={"diversify": "kmeans"})
    assert set(spread.ids) != set(ncenet.select(PROBS, 5).ids)
    with pytest.raises(UsageError, match=r"options\.diversfy: strategy margin has no option .*did you mean"):
        ncenet.select(PROBS, 5, options={"diversfy": "kmeans"})
    with pytest.raises(UsageError, match="this one is an object and has its own"):
        ncenet.select(PROBS, 5, strategy=strategies.get("margin")(), options={"diversify": "kmeans"})


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({}, "nothing to choose by: give predictions, probs or features"),
        ({"predictions": PROBS, "probs": PROBS}, "predictions and probs are the same"),
        ({"probs": PROBS, "strategy": "core-set"}, "core-set needs features: give features="),
        ({"features": FEATURES}, "margin needs probs: give probs="),
        ({"probs": PROBS, "strategy": "bald"}, "bald needs samples"),
        ({"probs": PROBS, "options": {"diversify": "kmeans"}}, "margin needs features"),
        ({"probs": PROBS, "features": FEATURES[:3]}, "of different numbers of images: probs 23, features 3"),
        ({"probs": PROBS, "ids": ["a"] * N}, "23 images need 23 distinct ids, got 1"),
        ({"probs": PROBS[0]}, r"probs: expected a row for each image, got an array of shape \(4,\)"),
        ({"probs": [["a"]]}, "probs: no array of numbers"),
        (
            {"features": FEATURES, "labeled_features": FEATURES[:, :2], "strategy": "core-set"},
            "rows of different lengths",
        ),
        (
            {"probs": PROBS, "labeled_features": FEATURES[:2], "strategy": "class-balanced"},
            "class-balanced reads probs of the labelled images too: give labeled_probs",
        ),
        ({"probs": PROBS, "labeled_probs": PROBS, "labels": [1]}, "are of different numbers of images"),
        ({"probs": PROBS, "labels": ["cat"]}, "labels: 'cat' is no class index of 4 classes, from 0 on"),
        ({"probs": PROBS, "labels": np.array([0, 4])}, r"labels: .*4.* is no class index of 4 classes"),
        (
            {"features": FEATURES, "labels": [-1], "strategy": "core-set"},
            "labels: -1 is no class index, from",
        ),
        ({"probs": PROBS, "labels": 3}, "labels: one for each image, and 3 is not several"),
        ({"probs": PROBS, "labels": [[0]]}, r"labels: \[0\] is no class index of 4 classes"),
        (
            {"features": FEATURES[..., None], "strategy": "core-set"},
            r"expected an array \(N, D\), got .*, 1\)",
        ),
        ({"samples": PROBS, "strategy": "bald"}, r"samples: expected an array \(M, N, C\) or \(M, N, A, C\)"),
        ({"probs": PROBS, "labeled_probs": 1.0}, r"labeled_probs: expected a row for each image"),
        ({"probs": PROBS, "strategy": "rejection"}, "rejection can't tell the images apart"),
    ],
)
def test_mistakes_say_what_to_give(arguments, complaint):
    with pytest.raises(UsageError, match=complaint):
        ncenet.select(**arguments)


@pytest.mark.parametrize("size", [0, -1, 2.5, "3"])
def test_a_size_that_is_no_number_of_images(size):
    with pytest.raises(UsageError, match=rf"query_size: {size!r} is no number of images, from 1 on"):
        ncenet.select([[0.5, 0.5]], size)


def test_logits_are_no_likelihoods_and_what_is_missing_is_named():
    with pytest.raises(UsageError, match=r"probs: likelihoods are in \[0, 1\], .* these are from -2 to 3"):
        ncenet.select([[0.5, -2.0], [3.0, 0.1]], 1)
    with pytest.raises(NonFiniteScore, match=r"1 score.* first at '00001'"):
        ncenet.select([[0.5, 0.5], [np.nan, 0.1]], 1)
    assert ncenet.select([[0.2, 0.2], [1.0, 1.0]], 1, strategy="rejection"), "of NCE heads, rows of any sum"


def test_other_mistakes():
    with pytest.raises(UnknownName, match="did you mean 'margin'"):
        ncenet.select(PROBS, strategy="margn")
    broken = PROBS.copy()
    broken[3, 1] = np.nan
    with pytest.raises(NonFiniteScore, match="'00003'"):
        ncenet.select(broken, 5)
    assert len(ncenet.select(PROBS, 100)) == N
    assert ncenet.select(np.empty((0, 3)), 5) == ncenet.Query((), ())


class TestFiles:
    """What the command line does with files of scores."""

    @pytest.fixture
    def scores(self, tmp_path):
        cameras = "south", "north"
        lines = [f"{n}.jpg,{cameras[n % 2]},{n},0.{5 + n // 2},0.{5 - n // 2}" for n in range(8)]
        file = tmp_path / "scores.csv"
        file.write_text("\n".join(["id,camera,late,prob_a,prob_b", *lines]) + "\n")
        return file

    def test_they_are_read_by_name_and_ranked_by_margin(self, scores, tmp_path):
        for given in (scores, str(scores), [scores], str(tmp_path)):
            chosen = ncenet.select(given, 3)
            assert set(chosen.ids[:2]) == {"0.jpg", "1.jpg"} and chosen.ids[2] in ("2.jpg", "3.jpg")
            assert chosen.scores == pytest.approx((0, 0, -0.2))

    def test_what_bounds_a_query(self, scores, tmp_path):
        (tmp_path / "known").mkdir()
        (tmp_path / "known/told.csv").write_text("id,label\n0.jpg,a\n1.jpg,b\n")
        told = tmp_path / "known/told.csv"
        chosen = ncenet.select(scores, 4, strategy="entropy", exclude=[told], quota=["camera=1"])
        assert sorted(chosen.ids) == ["2.jpg", "3.jpg"]
        assert ncenet.select(scores, 2, by="late").ids == ("7.jpg", "6.jpg")

    @pytest.mark.parametrize(
        ("more", "why"),
        [
            ({"probs": PROBS}, "leave the arrays out"),
            ({"strategy": strategies.get("margin")()}, "of files, name one"),
            ({"strategy": "core-set"}, "can be had"),
        ],
    )
    def test_what_files_cannot_do(self, scores, more, why):
        with pytest.raises(UsageError, match=why):
            ncenet.select(scores, 2, **more)

    def test_one_quota_and_one_list_of_ids_need_no_brackets(self, scores, tmp_path):
        (tmp_path / "told.txt").write_text("0.jpg\n")
        for told in (tmp_path / "told.txt", str(tmp_path / "told.txt")):
            one = ncenet.select(scores, 4, exclude=told, quota="camera=1")
            assert one == ncenet.select(scores, 4, exclude=[told], quota=["camera=1"])
            assert len(one) == 2 and "0.jpg" not in one.ids

    @pytest.mark.parametrize(
        ("more", "why"),
        [
            ({"near": -1}, "`near`: -1 is no number from 0 on and below 2"),
            ({"near": float("nan")}, "`near`: nan is no number"),
            ({"near": "0.1"}, "`near`: '0.1' is no number"),
            ({"factor": 0, "diversify": "kmeans"}, "`factor`: 0 is no whole number from 2 on"),
            ({"factor": 2.5, "diversify": "kmeans"}, r"`factor`: 2\.5 is no whole number"),
            ({"diversify": "k-means"}, "unknown way to diversify 'k-means': did you mean 'kmeans'"),
            ({"minutes": 0, "seconds_per_image": 1}, "`minutes`: expected more than 0"),
            ({"minutes": float("inf"), "seconds_per_image": 1}, "`minutes`: inf is no number from 0 on$"),
            ({"minutes": 1, "seconds_per_image": -3}, "`seconds_per_image`: -3 is no number from 0 on"),
            ({"minutes": 1, "seconds_per_image": 0}, "`seconds_per_image`: expected more than 0"),
            ({"query_size": "3"}, "query_size: '3' is no number of images, from 1 on"),
            ({"query_size": 2.5}, r"query_size: 2\.5 is no number of images"),
            ({"boxes": 0}, "`boxes`: 0 is no whole number from 1 on"),
            ({"options": {"x": 1}, "strategy": "random"}, "strategy random has no option 'x'"),
            ({"options": {"x": 1}, "by": "late"}, "option x: `by` ranks by a column as it is"),
        ],
    )
    def test_what_is_no_choice(self, scores, more, why):
        with pytest.raises(UsageError, match=why):
            ncenet.select(scores, **more)

    def test_what_arrays_cannot_do(self):
        with pytest.raises(UsageError, match="near, quota: for files of scores, and these are arrays"):
            ncenet.select(PROBS, 2, near=0.1, quota=["camera=1"])


ODD = {
    "backwards": lambda array: np.ascontiguousarray(array[::-1])[::-1],
    "of other bytes": lambda array: array.astype(">f8"),
    "long": lambda array: array.astype(np.longdouble),
    "objects": lambda array: array.astype(object),
    "strided": lambda array: np.repeat(array, 2, axis=1)[:, ::2],
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("layout", [*ODD, "read-only"])
def test_arrays_are_read_however_they_lie_in_memory(layout):
    given = {key: np.array(value) for key, value in ARRAYS.items() if key != "labels"}
    odd = {key: ODD.get(layout, np.array)(value) for key, value in given.items()}
    for array in odd.values():
        array.flags.writeable = layout != "read-only"
    for name in ("margin", "badge", "bald", "core-set"):
        assert ncenet.select(**odd, query_size=5, strategy=name) == ncenet.select(
            **given, query_size=5, strategy=name
        )


def test_numbers_that_would_be_half_read_are_refused():
    with pytest.raises(UsageError, match="features: complex numbers, and real ones are read"):
        ncenet.select(features=FEATURES + 1j, strategy="core-set")
    masked = np.ma.array(PROBS, mask=PROBS > 0.9)
    with pytest.raises(UsageError, match="probs: a masked array"):
        ncenet.select(masked, 5)
    with pytest.raises(UsageError, match=r"samples: likelihoods are in \[0, 1\]"):
        ncenet.select(samples=10 * SAMPLES, strategy="bald")


def test_ids_may_be_called_as_the_labelled_images_would_be():
    ids = [f"labeled/{row:05}" for row in range(N)]
    known = {"features": FEATURES, "labeled_features": FEATURES[:4], "strategy": "typiclust"}
    plain = ncenet.select(**known, query_size=3).ids
    assert ncenet.select(**known, query_size=3, ids=ids).ids == tuple(f"labeled/{id}" for id in plain)
