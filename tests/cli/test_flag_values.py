"""A value that a flag can't have is told in one sentence, by every command and for every flag.

Commands share most of their flags: each is tried once, and of each command one besides.
"""

from typing import Literal, get_args, get_origin

import pytest

from ncenet.cli.commands import COMMANDS, app

POSITIONAL = {"simulate": ["digits"], "run": ["r.yaml"], "compare": ["c.yaml"], "export": ["r", "o"]}
POSITIONAL |= {"sort": ["r", "o"], "tell": ["r", "a.csv"], "import": ["r", "a.csv"], "score": ["m", "d"]}
POSITIONAL |= {"label-studio": ["push", "r"], "annotators": ["r"]}


def kinds(hint):
    """The types that a value may have, without None and what wraps them."""
    if get_origin(hint) is Literal:
        return {Literal}
    inner = [kinds(each) for each in get_args(hint)]
    return set().union(*inner) if inner else {hint}


def cases():
    known = set()
    for command in COMMANDS:
        new = True
        for argument in app()[command.name].assemble_argument_collection():
            flags = [name for name in argument.names if name.startswith("--") and "." not in name]
            found = kinds(argument.hint)
            if flags and str not in found and found & {int, float, Literal}:
                flag = (flags[0], str(argument.hint))
                if new or flag not in known:
                    yield command.name, flags[0], found & {int, float, Literal}
                known.add(flag)
                new = False


ALL = list(cases())


def test_there_are_many():
    assert len(ALL) > 60
    assert {kind for _, _, found in ALL for kind in found} == {int, float, Literal}


@pytest.mark.parametrize(("command", "flag", "found"), ALL, ids=lambda value: str(value)[:30])
def test_a_value_of_another_kind(ncenet, command, flag, found):
    done = ncenet(command, *POSITIONAL.get(command, ["r"]), flag, "n;one")
    said = done.said.strip()
    assert done.code == 2
    assert said.startswith(f"error {flag}: 'n;one' is n"), said
    assert said.count("\n") == 0, said
    for word in ("pydantic", "Input should", "validation error", "╭"):
        assert word not in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("simulate digits --epochs 0", "error --epochs: 0 is below 1"),
        ("simulate digits --lr nan", "error --lr: nan is no finite number"),
        (
            "simulate digits --lr -1 --momentum 3",
            "error --lr: -1.0 is not above 0 --momentum: 3.0 is not below 1",
        ),
        ("ask r --epochs x --task y", "error --task: 'y' is none of classification, detection --epochs: 'x'"),
        ("ask r s", "error ask: 's' is a word too many"),
        ("ask", "error ask: FOLDER is missing"),
        ("ask r --epochs", "error --epochs: a value is missing"),
        ("ask r --epochs 3 --epochs 4", "error --epochs: is there twice"),
        ("label-studio nope r", "error ACTION: 'nope' is none of push, pull"),
        ("select s.csv -n 5 --near 2", "error --near: 2 is not below 2"),
    ],
)
def test_sentences(ncenet, tmp_path, words, said):
    (tmp_path / "d").mkdir()
    done = ncenet(*words.split())
    assert (done.code, done.said.startswith(said)) == (2, True), done.said
