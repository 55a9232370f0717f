import re

import pytest

from ncenet.compare.analysis.records import EMBEDDING, REGIONS, information_name
from ncenet.report import write_report
from ncenet.report.figures.drawing import as_svg
from ncenet.report.figures.embedding import embedding_caption, embedding_figure
from ncenet.report.figures.information import information_caption, information_figure
from ncenet.report.figures.regions import regions_caption, regions_figure
from tests.compare.fake_runs import write_comparison
from tests.report import findings
from tests.report.test_report import ACCURACY, COMPARISON, Page

TITLES = (
    "How information is spread over the pool",
    "Where the queried images lie",
    "What the scores find informative",
)


@pytest.fixture
def analyzed(tmp_path):
    write_comparison(tmp_path, COMPARISON, ACCURACY)
    findings.write_findings(tmp_path)
    return tmp_path


def page_of(folder):
    return Page(write_report(folder)[0].read_text(encoding="utf-8"))


def texts(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def test_the_page_shows_three_figures_and_loads_nothing(analyzed):
    page = page_of(analyzed)
    assert [title for title in TITLES if title not in page.text] == []
    assert page.tags.count("svg") == 1 + len(TITLES)
    links = [value for name, value in page.attributes if name in ("src", "href", "xlink:href")]
    others = [link for link in links if not link.startswith(("#", "data:image/png;base64,"))]
    assert len(others) == 1, "the paper, and nothing else"
    assert any(link.startswith("data:image/png") for link in links), "points and planes are pixels"
    assert "Not drawn" not in page.text


def test_without_an_analysis_nothing_is_said(tmp_path):
    write_comparison(tmp_path, COMPARISON, ACCURACY)
    page = page_of(tmp_path)
    assert not [title for title in TITLES if title in page.text]


def test_what_could_not_be_drawn_is_said_once(analyzed):
    for name in (information_name(0), information_name(1), REGIONS):
        findings.write_finding(analyzed, name, None, "<photos> are gone")
    page = page_of(analyzed)
    assert page.text.count("Not drawn: <photos> are gone") == 2, "both seeds of the information say the same"
    assert page.tags.count("svg") == 2


def test_one_seed_may_be_missing(analyzed):
    findings.write_finding(analyzed, information_name(1), None, "seed 1 is gone")
    text = page_of(analyzed).text
    assert "Not drawn: seed 1 is gone" in text
    assert "One seed. The most informative tenth holds: a < b & $c_d$ 40.0 %; softmax 30.0 %." in text


def test_information_in_numbers():
    found = {
        seed: findings.information(seed, nce=a, softmax=b) for seed, a, b in ((0, 0.4, 0.3), (1, 0.5, 0.6))
    }
    caption = information_caption(found)
    assert "40 random unlabelled images by the networks of the first cycle, after 7 labels" in caption
    assert "The most informative tenth holds: a < b & $c_d$ 45.0 ± 7.1 %; softmax 45.0 ± 21.2 %." in caption
    assert caption.endswith("that holds in 1 of 2 seeds.")
    alone = information_caption({0: findings.information(0, nce=0.4)})
    assert "that holds in" not in alone, "one head cannot be compared"


def test_information_has_both_panels_of_the_paper():
    found = {seed: findings.information(seed, nce=0.4, softmax=0.3) for seed in (0, 1)}
    figure = information_figure(found)
    single, subset = figure.axes
    # A thick line for each arm, a thin one for each of its seeds, and what they are held against.
    assert len(single.lines) == len(subset.lines) - 1 == 2 * 3 + 1
    thick = [line for line in subset.lines if line.get_linewidth() > 1.5]
    assert [line.get_label() for line in thick] == ["a < b & $c_d$", "softmax"]
    x, y = thick[0].get_data()
    assert y[abs(x - 10).argmin()] == pytest.approx(40, abs=2), "40 % of the information in a tenth"
    assert (x[-1], y[-1]) == (100, pytest.approx(100))
    shown = texts(as_svg(figure))
    assert "a &lt; b &amp; $c_d$" in shown
    assert "all images alike" in shown
    assert "information, times the mean" in shown


def test_the_embedding_has_a_row_an_arm_and_a_column_a_cycle():
    figure = embedding_figure(findings.embedding())
    assert len(figure.axes) == 4
    assert len({(axes.get_xlim(), axes.get_ylim()) for axes in figure.axes}) == 1, "one frame"
    for axes in figure.axes:
        pool, labeled, queried = axes.collections
        assert [len(dots.get_offsets()) for dots in (pool, labeled, queried)] == [10, 10, 10]
    shown = texts(as_svg(figure))
    assert [text for text in shown if text.endswith(" labels")] == ["10 labels", "20 labels"] * 2
    assert {"pool", "labelled", "queried next", "a &lt; b &amp; $c_d$", "softmax"} <= set(shown)


def test_thousands_of_points_stay_small():
    small, large = (len(as_svg(embedding_figure(findings.embedding(points=n)))) for n in (300, 9000))
    assert large < 10 * small
    assert large < 1_000_000


def test_the_embedding_in_numbers():
    caption = embedding_caption(findings.embedding(0.75))
    assert "t-SNE of the features of 30 of 1,234 images" in caption
    assert "a < b & $c_d$ 0.75, 0.75; softmax 0.75, 0.75." in caption
    assert "No cycle has made a query yet." in embedding_caption(findings.embedding(None))


def test_regions_have_three_panels_with_prototypes_where_there_are_any():
    figure = regions_figure(findings.regions())
    assert [axes.get_title() for axes in figure.axes] == [
        "softmax, entropy",
        "NCE, rejection",
        "NCE, confusion",
    ]
    assert [len(axes.patches) for axes in figure.axes] == [0, 3, 3], "a circle for each radius"
    for axes in figure.axes:
        assert axes.get_xlim() == axes.get_ylim() == (-1, 1)
    plane = figure.axes[0].images[0].get_array()
    assert plane.shape == (4, 4, 4)
    assert plane[0, 0, 3] > plane[1, 0, 3], "informative places are covered more"
    shown = texts(as_svg(figure))
    assert {"cat", "&lt;dog&gt;", "cow", "pool", "prototype"} <= set(shown)


def test_two_classes_are_drawn_too():
    figure = regions_figure(findings.regions(2))
    assert len(figure.axes[1].patches) == 2
    assert "2 classes (cat, <dog>)" in regions_caption(findings.regions(2))


def test_regions_in_numbers():
    caption = regions_caption(findings.regions())
    assert "trained for this figure on the same 3 labelled images of 3 classes (cat, <dog>, cow)" in caption
    assert "the network of NCE, seed 0, cycle 2" in caption
    assert "25 % for entropy, 50 % for rejection, 75 % for confusion of the plane" in caption


@pytest.mark.parametrize("name", [EMBEDDING, REGIONS])
def test_figures_follow_the_colours_of_the_page(name):
    draw = {EMBEDDING: embedding_figure, REGIONS: regions_figure}[name]
    svg = as_svg(draw(getattr(findings, name)()))
    assert "currentColor" in svg
    assert "#1a1b1c" not in svg, "no text in a fixed colour"
    assert as_svg(draw(getattr(findings, name)())) == svg
