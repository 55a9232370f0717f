"""The door by which built-ins and plug-ins enter."""

import pytest

from ncenet import registry as module
from ncenet.errors import BrokenPlugIn, UnknownName, UsageError
from ncenet.registry import Registry


class Odd(Exception):
    """Whatever a package may raise."""


class Point:
    """An entry point whose thing loads, or fails as a broken package does."""

    def __init__(self, name, thing):
        self.name, self.value, self._thing = name, f"package:{name}", thing

    def load(self):
        if isinstance(self._thing, BaseException):
            raise self._thing
        return self._thing


@pytest.fixture
def plugged(monkeypatch):
    def plug(*points):
        monkeypatch.setattr(module, "entry_points", lambda group: [p for p in points if group == "g"])
        return Registry("colour", package=None, group="g")

    return plug


def test_a_plug_in_is_a_thing_like_any_other(plugged):
    colours = plugged(Point("red", str))
    colours.register("blue")(int)
    assert colours.names() == ["blue", "red"]
    assert dict(colours) == {"blue": int, "red": str}


@pytest.mark.parametrize(
    "error",
    [
        ImportError("no paint"),
        RuntimeError("no paint"),
        OSError(2, "no paint"),
        SystemExit("no paint"),
        Odd("no paint"),
        GeneratorExit("no paint"),
    ],
)
def test_a_broken_plug_in_is_named_once_and_the_others_are_there(plugged, error):
    colours = plugged(Point("red", error), Point("green", str))
    colours.register("blue")(int)
    with pytest.warns(BrokenPlugIn, match=r"'red' of a plug-in \(package:red\) can't be loaded: .*no paint"):
        assert colours.names() == ["blue", "green"]
    assert dict(colours) == {"blue": int, "green": str}
    with pytest.raises(UsageError, match=r"'red' of a plug-in .*no paint; repair or uninstall that package"):
        colours.get("red")


def test_a_plug_in_that_takes_the_name_of_another_thing_is_left_out(plugged):
    colours = plugged(Point("blue", str))
    colours.register("blue")(int)
    with pytest.warns(BrokenPlugIn, match="'blue' is registered twice"):
        assert colours.get("blue") is int


def failing(*_):
    raise Odd("no brush")


def test_a_plug_in_that_fails_when_it_is_used_is_named_once_and_left_out(plugged):
    colours = plugged(Point("red", failing), Point("green", str))
    colours.register("blue")(int)
    with pytest.warns(
        BrokenPlugIn, match=r"'red' of a plug-in \(package:red\) fails and is left out: Odd: no br"
    ) as told:
        assert list(colours.each(lambda make: make())) == [("blue", 0), ("green", "")]
        assert list(colours.each(lambda make: make())) == [("blue", 0), ("green", "")]
    assert len(told) == 1


def test_a_plug_in_that_fails_is_named_when_it_is_asked_for(plugged):
    colours = plugged(Point("red", failing), Point("green", str))
    assert colours.use("green", lambda make: make(5)) == "5"
    with pytest.raises(
        UsageError, match=r"'red' of a plug-in \(package:red\) fails: Odd: no brush; repair or un"
    ):
        colours.use("red", lambda make: make())


def test_what_is_ours_or_said_by_a_plug_in_in_our_words_is_told_as_it_is(plugged):
    def refusing():
        raise UsageError("no such brush")

    colours = plugged(Point("red", refusing))
    colours.register("blue")(failing)
    with pytest.raises(UsageError, match=r"\Ano such brush\Z"):
        colours.use("red", lambda make: make())
    with pytest.raises(Odd, match="no brush"):
        colours.use("blue", lambda make: make())
    with pytest.raises(Odd, match="no brush"):
        list(colours.each(lambda make: make()))


def test_a_name_is_taken_once(plugged):
    colours = plugged()
    colours.register("red")(int)
    colours.register("red")(int)
    with pytest.raises(ValueError, match="'red' is registered twice"):
        colours.register("red")(str)


def test_an_unknown_name_suggests_the_nearest(plugged):
    colours = plugged(Point("crimson", str))
    with pytest.raises(UnknownName, match="unknown colour 'crimsn': did you mean 'crimson'"):
        colours.get("crimsn")


def test_order_is_that_of_registering_where_it_is_said(plugged):
    colours = plugged(Point("amber", str))
    colours.register("red", order=900)(int)
    colours.register("zinc", order=5)(float)
    assert [name for name, _ in colours.ordered()] == ["zinc", "amber", "red"]
    assert colours.names() == ["amber", "red", "zinc"]
