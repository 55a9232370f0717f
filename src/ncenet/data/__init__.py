"""Images, and what is known of them: pools, labels, built-in sets, scans, tensors."""

from ncenet.data.builtin import BuiltinSet, datasets
from ncenet.data.dataset import BoxTestSet, Dataset, Oracle, TestSet, as_box_test_set, as_test_set
from ncenet.data.open import open_dataset, open_test, open_train
from ncenet.data.parquet import ParquetPool
from ncenet.data.pools import ArrayPool, FolderPool, Subset, channels_of
from ncenet.data.scan import Scan, Sizes, scan

# tensors and augment are not named here: they import torch, and listing data sets must not.
__all__ = [
    "ArrayPool",
    "BoxTestSet",
    "BuiltinSet",
    "Dataset",
    "FolderPool",
    "Oracle",
    "ParquetPool",
    "Scan",
    "Sizes",
    "Subset",
    "TestSet",
    "as_box_test_set",
    "as_test_set",
    "channels_of",
    "datasets",
    "open_dataset",
    "open_test",
    "open_train",
    "scan",
]
