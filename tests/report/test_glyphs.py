import warnings

import pytest
from matplotlib.figure import Figure
from matplotlib.font_manager import FontEntry, fontManager
from matplotlib.text import Text

from ncenet.errors import MissingGlyphs
from ncenet.report.figures import glyphs
from ncenet.report.figures.drawing import as_png, as_svg, legend


@pytest.fixture(autouse=True)
def forget():
    for known in (glyphs._families, glyphs._say_once):
        known.cache_clear()


def drawn(name):
    figure = Figure(layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], label=name)
    legend(figure, axes, 1)
    return figure


def fonts(monkeypatch, *kept):
    monkeypatch.setattr(fontManager, "ttflist", [f for f in fontManager.ttflist if f.name.startswith(kept)])


def test_a_character_that_no_font_has_is_told_once(monkeypatch):
    fonts(monkeypatch, "DejaVu", "Last Resort")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for name in ("猫", "猫と犬", "개"):
            assert name in as_svg(drawn(name)), "in a page the text stays, and the browser has fonts"
        assert told == []
        for name in ("猫", "猫と犬", "개"):
            as_png(drawn(name))
    assert [each.category for each in told] == [MissingGlyphs]
    assert "no font of this machine has all characters of the names" in str(told[0].message)


def test_another_font_draws_what_the_first_has_not(monkeypatch):
    """STIX stands for a font of East Asia: matplotlib brings it, with signs that DejaVu Sans has not."""
    fonts(monkeypatch, "DejaVu Sans", "STIX")
    sign = next(
        chr(code)
        for code in range(0x2000, 0x2C00)
        if glyphs._lacking(frozenset(chr(code))) and glyphs._families(frozenset(chr(code)))[0]
    )
    figure, plain = drawn(f"arm {sign}"), drawn("arm")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        as_png(figure)
        as_svg(figure)
        as_png(plain)
    named = {text.get_text(): text.get_fontfamily() for text in figure.findobj(Text)}
    assert named[f"arm {sign}"] == ["sans-serif", *glyphs._families(frozenset(sign))[0]]
    assert {tuple(family) for name, family in named.items() if sign not in name} == {("sans-serif",)}
    assert all(text.get_fontfamily() == ["sans-serif"] for text in plain.findobj(Text))


def test_a_font_that_cannot_be_read_draws_nothing(monkeypatch, tmp_path):
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    broken = FontEntry(fname=str(tmp_path / "broken.ttf"), name="Broken Sans", style="normal")
    monkeypatch.setattr(fontManager, "ttflist", [broken])
    assert glyphs._families(frozenset("猫")) == ((), frozenset("猫"))
