from collections import Counter

import numpy as np
import pytest

from ncenet.data import ArrayPool, Dataset, Oracle, open_train
from ncenet.data.long_tail import class_sizes, long_tailed
from ncenet.errors import DataError, RecipeError
from ncenet.recipe import Recipe

CLASSES = ("common", "rare", "rarer", "rarest")


def balanced(per_class=50, classes=CLASSES):
    pool = ArrayPool(np.zeros((per_class * len(classes), 8, 8, 1), dtype=np.uint8))
    labels = {id: classes[n % len(classes)] for n, id in enumerate(pool.ids())}
    return Dataset("squares", pool, Oracle(labels), classes)


def counts(dataset):
    return Counter(dataset.required_oracle().answer(dataset.pool.ids()).values())


def test_sizes_fall_by_a_power_of_the_rank():
    assert class_sizes([50] * 4, 16) == [50, 12, 6, 3]  # 50 / rank^2
    logs = np.log(class_sizes([6000] * 10, 100))
    slopes = np.diff(logs) / np.diff(np.log(np.arange(1, 11)))
    assert slopes == pytest.approx([-2] * 9, abs=0.06)


@pytest.mark.parametrize("ratio", [1, 3.5, 100])
def test_the_first_class_has_so_many_times_the_images_of_the_last(ratio):
    sizes = class_sizes([5000] * 10, ratio)
    assert sizes[0] == 5000 and sizes[0] / sizes[-1] == pytest.approx(ratio, rel=0.01)


def test_a_class_that_is_rare_already_bounds_the_others():
    assert class_sizes([10, 50, 50, 50], 16) == [10, 2, 1, 1]


def test_a_data_set_is_thinned_and_its_oracle_knows_no_more():
    whole = balanced()
    thin = long_tailed(whole, 16)
    assert thin.required_oracle().asked == 0, "thinning is not asking"
    assert counts(thin) == {"common": 50, "rare": 12, "rarer": 6, "rarest": 3}
    assert set(thin.pool.ids()) < set(whole.pool.ids()) and thin.class_names == whole.class_names
    left_out = next(id for id in whole.pool.ids() if id not in set(thin.pool.ids()))
    with pytest.raises(DataError, match="no label for 1 id"):
        thin.required_oracle().answer([left_out])


def test_the_same_images_stay_whatever_the_order():
    first, again = long_tailed(balanced(), 16), long_tailed(balanced(), 16)
    reversed_pool = balanced().subset(balanced().pool.ids()[::-1])
    assert first.pool.ids() == again.pool.ids()
    assert set(long_tailed(reversed_pool, 16).pool.ids()) == set(first.pool.ids())
    assert set(long_tailed(balanced(), 4).pool.ids()) > set(first.pool.ids()), "longer tails are nested"


def test_a_recipe_thins_the_training_images_alone():
    plain = Recipe().with_changes({"data.train": "digits"})
    thin = open_train(plain.with_changes({"data.long_tail": 10}))
    sizes = [counts(thin)[name] for name in thin.class_names]
    assert len(thin.pool.ids()) < len(open_train(plain).pool.ids())
    assert sizes == sorted(sizes, reverse=True) and sizes[0] / sizes[-1] == pytest.approx(10, rel=0.05)


def test_what_has_no_labels_has_no_tail():
    dataset = balanced()
    with pytest.raises(DataError, match="no labels"):
        long_tailed(Dataset("bare", dataset.pool), 10)
    empty = Dataset("gap", dataset.pool, dataset.oracle, (*CLASSES, "never"))
    with pytest.raises(DataError, match="the class 'never' has no image"):
        long_tailed(empty, 10)


def test_boxes_have_no_tail():
    with pytest.raises(RecipeError, match="a long tail is one of classes"):
        Recipe().with_changes({"task": "detection", "data.long_tail": 10})
