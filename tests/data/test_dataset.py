import inspect
import pickle

import numpy as np
import pytest

from ncenet.data import ArrayPool, Dataset, Oracle, as_test_set, open_dataset
from ncenet.data.rows import RowIds
from ncenet.errors import DataError

from .make import gray_png, write


@pytest.fixture
def dataset():
    pool = ArrayPool(np.arange(48, dtype=np.uint8).reshape(3, 4, 4), ["a", "b", "c"])
    return Dataset("pets", pool, Oracle({"a": "cat", "b": "dog", "c": "cat"}), ("cat", "dog"))


def test_oracle_hands_out_what_it_is_asked_for_and_counts(dataset):
    oracle = dataset.required_oracle()
    assert oracle.asked == 0
    assert oracle.answer(["b"]) == {"b": "dog"}
    assert oracle.asked == 1
    assert oracle.answer(["b", "c"]) == {"b": "dog", "c": "cat"}
    assert oracle.asked == 2, "a label asked for twice counts once"


def test_labels_of_images_that_the_pool_has_not_are_refused(dataset):
    with pytest.raises(DataError, match=r"2 labels are of images that the pool hasn't, such as 'x'"):
        Dataset.labelled("mine", dataset.pool, {"a": "cat", "y": "dog", "x": "dog"})
    some = Dataset.labelled("mine", dataset.pool, {"a": "cat", "c": "dog"})
    assert some.class_names == ("cat", "dog"), "and of some that it has none may be known"


def test_oracle_refuses_unknown_ids_and_then_counts_nothing(dataset):
    with pytest.raises(DataError, match=r"no label for 2 ids, the first 'x'"):
        dataset.oracle.answer(["a", "x", "y"])
    assert dataset.oracle.asked == 0


def reachable(root):
    """Every object that public attributes, and public methods without arguments, lead to."""
    seen, left = {}, [root]
    while left:
        thing = left.pop()
        if id(thing) in seen or isinstance(thing, type):
            continue
        if callable(thing):
            if not inspect.signature(thing).parameters:
                left.append(thing())
            continue
        seen[id(thing)] = thing
        if isinstance(thing, dict):
            left += [*thing.keys(), *thing.values()]
        elif isinstance(thing, list | tuple | set | RowIds):
            left += thing
        if type(thing).__module__.startswith("ncenet"):
            left += [getattr(thing, name) for name in dir(thing) if not name.startswith("_")]
            left.append(repr(thing))
    return list(seen.values())


def test_no_public_attribute_leads_to_a_hidden_label():
    # Labels that occur nowhere else, so that finding one is finding a leak.
    pool = ArrayPool(np.zeros((2, 4, 4), np.uint8), ["a", "b"])
    dataset = Dataset("pets", pool, Oracle({"a": "secret-1", "b": "secret-2"}), ("class-1", "class-2"))
    found = [thing for thing in reachable(dataset) if isinstance(thing, str)]
    assert {"pets", "a", "b", "class-1"} <= set(found), "the search has to reach what is public"
    assert not [text for text in found if "secret" in text]


def test_folder_pool_knows_no_labels(tmp_path):
    write(tmp_path, {f"{name}/{i}.png": gray_png(i) for i, name in enumerate(["cat", "dog", "cat"])})
    dataset = open_dataset(str(tmp_path))
    found = reachable(dataset.pool)
    assert "cat/0.png" in found
    assert "cat" not in found


def test_test_set_opens_the_labels_and_maps_classes_by_name(dataset):
    test = as_test_set(dataset, ("bird", "dog", "cat"))
    assert list(test.ids) == ["a", "b", "c"]
    assert test.targets == (2, 1, 2)
    assert test.class_names == ("bird", "dog", "cat")
    assert len(test) == 3
    assert as_test_set(dataset).targets == (0, 1, 0)
    assert dataset.oracle.asked == 3, "opening a training set as a test set does not go unseen"


def test_test_set_refuses_a_class_that_was_never_trained(dataset):
    with pytest.raises(
        DataError, match=r"1 class \(dog\), which the training images do not; those are cat, cow"
    ):
        as_test_set(dataset, ("cat", "cow"))


def test_without_labels_there_is_no_test_set(dataset):
    with pytest.raises(DataError, match="photos: the images have no labels"):
        as_test_set(Dataset("photos", dataset.pool))


def test_subset_keeps_all_but_the_pool(dataset):
    part = dataset.subset(["c", "a"])
    assert part.pool.ids() == ("c", "a")
    assert part.oracle is dataset.oracle
    assert as_test_set(part).targets == (0, 0)


def test_pickle(dataset):
    dataset.oracle.answer(["a"])
    copy = pickle.loads(pickle.dumps(dataset))
    assert copy.oracle.asked == 1
    assert copy.oracle.answer(["b"]) == {"b": "dog"}
