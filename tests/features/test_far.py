"""An extractor that says something absurd of one image, whose mean with the others' would be worthless."""

from __future__ import annotations

import PIL.Image
import pytest
from torch import nn

import ncenet
from ncenet.errors import DataError
from ncenet.features.extractor import Extractor, extractors
from ncenet.features.framing import Preprocessing


class Contrasts(nn.Module):
    """Means of 4 x 4 parts by how much they vary: of an image of one colour nearly infinite."""

    def forward(self, images):
        means = nn.functional.adaptive_avg_pool2d(images, 4).flatten(1)
        return means / (means - means.mean(1, keepdim=True)).square().mean(1, keepdim=True).clamp_min(1e-12)


@pytest.fixture
def contrasts():
    with extractors.temporarily(
        contrasts=lambda wanted: Extractor(wanted.name, Contrasts(), Preprocessing(8))
    ):
        yield


def test_it_is_named_by_its_id_when_the_pool_is_normalised(contrasts, photos, tmp_path):
    (photos / "bee/0.png").unlink()
    PIL.Image.new("RGB", (20, 30), (9, 9, 9)).save(photos / "bee/0.png")
    recipe = {"model.features": "contrasts", "loop.held_out": 0}
    with ncenet.open(tmp_path / "run", images=photos, classes=["ant", "bee", "cow"], recipe=recipe) as run:
        run.tell({f"{name}/{n}.png": name for name in ("ant", "bee", "cow") for n in range(1, 4)})
        with pytest.raises(
            DataError, match=r"pool: 1 vector lies more than .* that of 'bee/0\.png' [0-9,]+ times"
        ):
            run.fit()
