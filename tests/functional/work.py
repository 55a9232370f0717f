"""What torch is asked for while something runs: how many numbers products make, and what else is counted."""

from __future__ import annotations

from collections import Counter
from typing import Any

from torch.overrides import TorchFunctionMode


class Work(TorchFunctionMode):
    """Counts while a ``with`` block runs.

    Attributes:
        products: numbers that products of matrices have made.
        weighed: numbers of matrices that have met a vector.
        calls: calls of each operation.
        made: shapes of tensors that were made empty, in order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.products = self.weighed = 0
        self.calls: Counter[str] = Counter()
        self.made: list[tuple[int, ...]] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Do as asked, and count it."""
        result = func(*args, **(kwargs or {}))
        name = func.__name__
        self.calls[name] += 1
        if name == "addmm" or (name in ("matmul", "__matmul__") and result.ndim == 2):
            self.products += result.numel()
        elif name in ("matmul", "__matmul__"):
            self.weighed += max(each.numel() for each in args)
        elif name == "new_empty":
            self.made.append(tuple(result.shape))
        return result
