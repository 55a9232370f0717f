"""What an analysis leaves behind, written by hand: files without models."""

from pathlib import Path

from ncenet.compare.analysis.records import (
    EMBEDDING,
    REGIONS,
    Embedding,
    Information,
    InformationCurve,
    Panel,
    Regions,
    information_name,
    record_file,
    record_text,
)
from ncenet.section import Section


def curve(arm: str, head: str, top_tenth: float) -> InformationCurve:
    """A curve over 40 images whose most informative tenth, 4 of them, holds as much as said."""
    subset = [top_tenth * rank / 4 for rank in range(1, 5)]
    subset += [top_tenth + (1 - top_tenth) * rank / 36 for rank in range(1, 37)]
    relative = [40 * (high - low) for low, high in zip([0.0, *subset], subset, strict=False)]
    return InformationCurve(
        arm=arm,
        head=head,
        images=40,
        labeled=7,
        ranks=tuple(range(1, 41)),
        relative=tuple(relative),
        subset=tuple(subset),
        top_tenth=top_tenth,
    )


def information(seed: int, **top_tenth: float) -> Information:
    """Curves of the arms "NCE" and "softmax", by head."""
    names = {"nce": "a < b & $c_d$", "softmax": "softmax"}
    return Information(
        seed=seed, curves=tuple(curve(names[head], head, share) for head, share in top_tenth.items())
    )


def embedding(farther: float | None = 0.75, points: int = 30) -> Embedding:
    """Two arms at two cycles."""
    status = "".join("plq"[n % 3] for n in range(points))
    panels = tuple(
        Panel(
            arm=arm,
            cycle=cycle,
            labeled=10 * cycle,
            x=tuple(n / points for n in range(points)),
            y=tuple((n * 7 % points) / points for n in range(points)),
            status=status,
            farther=farther,
        )
        for arm in ("a < b & $c_d$", "softmax")
        for cycle in (1, 2)
    )
    return Embedding(seed=0, pool=1234, panels=panels)


def regions(classes: int = 3) -> Regions:
    """A plane of 4 x 4 points; entropy is high in 4 of them, rejection in 8, confusion in 12."""
    half = (0,) * 8 + (classes - 1,) * 8
    return Regions(
        arm="NCE",
        seed=0,
        cycle=2,
        class_names=("cat", "<dog>", "cow")[:classes],
        x=(0.0, 0.1, 0.2),
        y=(0.0, 0.5, 0.9),
        targets=(0, 1, classes - 1),
        pool_x=(0.5, 0.6),
        pool_y=(0.5, 0.6),
        window=(-1.0, 1.0, -1.0, 1.0),
        side=4,
        softmax_class=half,
        nce_class=half,
        entropy=(100,) * 4 + (10,) * 12,
        rejection=(100,) * 8 + (10,) * 8,
        confusion=(100,) * 12 + (10,) * 4,
        radius=(0.3,) * classes,
        prototypes=((0.0, 0.0), (0.1, 0.5), (0.2, 0.9))[:classes],
    )


def write_finding(folder: Path, name: str, finding: Section | None, problem: str | None = None) -> None:
    """Write one file of the analysis."""
    file = record_file(folder, name)
    file.parent.mkdir(exist_ok=True)
    file.write_text(record_text("", finding, problem))


def write_findings(folder: Path) -> None:
    """Write all files of the analysis of seeds 0 and 1."""
    write_finding(folder, information_name(0), information(0, nce=0.4, softmax=0.3))
    write_finding(folder, information_name(1), information(1, nce=0.5, softmax=0.6))
    write_finding(folder, EMBEDDING, embedding())
    write_finding(folder, REGIONS, regions())
