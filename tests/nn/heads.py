"""Small heads, and features for them."""

import torch

from ncenet.nn.heads.prototypes import PrototypeClassifier

KERNELS = ["gaussian", "cosine"]
MAPS = ["scaled", "l2", "sigmoid-l2", "none"]
D, C = 6, 3


def batch(n=8, scale=1.0):
    return torch.randn(n, D) * scale, torch.arange(n) % C


def head(**options):
    return PrototypeClassifier(D, C, **{"projection": False, **options})
