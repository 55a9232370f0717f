import pytest
import torch

from ncenet.data.augment import augment


def one_by_one(images, *, crop_padding, flip, generator):
    """Pad, cut and mirror every image by itself."""
    B, C, H, W = images.shape
    offsets = torch.randint(0, 2 * crop_padding + 1, (2, B, 1), generator=generator)
    mirrored = torch.randint(0, 2, (B, 1), generator=generator)
    out = torch.empty_like(images)
    for b in range(B):
        padded = torch.zeros(C, H + 2 * crop_padding, W + 2 * crop_padding, dtype=images.dtype)
        padded[:, crop_padding : crop_padding + H, crop_padding : crop_padding + W] = images[b]
        top, left = int(offsets[0, b, 0]), int(offsets[1, b, 0])
        cut = padded[:, top : top + H, left : left + W]
        out[b] = cut.flip(-1) if flip and mirrored[b, 0] else cut
    return out


def images_of(*shape, dtype=torch.uint8):
    return torch.randint(1, 256, shape, generator=torch.Generator().manual_seed(5)).to(dtype)


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("crop_padding", [0, 1, 4])
@pytest.mark.parametrize("shape", [(16, 3, 8, 8), (5, 1, 6, 9), (1, 3, 32, 32)])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_equals_one_by_one(shape, crop_padding, flip, dtype):
    images = images_of(*shape, dtype=dtype)
    before = images.clone()
    for memory in (images, images.contiguous(memory_format=torch.channels_last)):
        options = {"crop_padding": crop_padding, "flip": flip}
        got = augment(memory, **options, generator=torch.Generator().manual_seed(3))
        expected = one_by_one(images, **options, generator=torch.Generator().manual_seed(3))
        assert got.dtype == dtype
        assert torch.equal(got, expected)
    assert torch.equal(images, before)


def test_every_place_is_drawn_and_half_are_mirrored():
    image = torch.zeros(4000, 1, 3, 3, dtype=torch.uint8)
    image[:, 0, 1, 1] = 1  # a dot in the middle shows the shift
    image[:, 0, 1, 0] = 2  # a dot at its left the mirroring
    out = augment(image, crop_padding=1, flip=True, generator=torch.Generator().manual_seed(0))
    places = (out == 1).flatten(1).float().argmax(1).bincount(minlength=9) / 4000
    assert (places - 1 / 9).abs().max() < 0.02
    centred = out[(out[:, 0, 1, 1] == 1)]
    assert abs((centred[:, 0, 1, 2] == 2).float().mean() - 0.5) < 0.08


def test_draws_from_its_generator_alone(global_generators_untouched):
    images = images_of(8, 3, 8, 8)
    first = augment(images, crop_padding=2, flip=True, generator=torch.Generator().manual_seed(1))
    again = augment(images, crop_padding=2, flip=True, generator=torch.Generator().manual_seed(1))
    other = augment(images, crop_padding=2, flip=True, generator=torch.Generator().manual_seed(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_options_do_not_change_how_much_is_drawn():
    states = []
    for padding, flip in ((0, False), (4, True)):
        generator = torch.Generator().manual_seed(0)
        augment(images_of(8, 1, 8, 8), crop_padding=padding, flip=flip, generator=generator)
        states.append(generator.get_state())
    assert torch.equal(*states)


def test_nothing_asked_for_is_nothing_done():
    images = images_of(4, 3, 8, 8)
    out = augment(images, crop_padding=0, flip=False, generator=torch.Generator())
    assert torch.equal(out, images)
