"""The door by which built-ins and plug-ins enter."""

import pytest

from ncenet import registry as module
from ncenet.errors import UnknownName, UsageError
from ncenet.registry import Registry


class Point:
    """An entry point whose thing loads, or fails as a broken package does."""

    def __init__(self, name, thing):
        self.name, self.value, self._thing = name, f"package:{name}", thing

    def load(self):
        if isinstance(self._thing, Exception):
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


def test_a_broken_plug_in_is_named_every_time(plugged):
    colours = plugged(Point("red", ImportError("no module named paint")))
    for _ in range(2):
        with pytest.raises(UsageError, match=r"'red' of a plug-in .* package:red: no module named paint"):
            colours.names()


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
