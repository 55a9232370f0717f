"""The one door by which built-ins and plug-ins enter.

A registry holds named things of one kind. Built-ins enter by being a module of the registry's package,
plug-ins by an entry point of its group; both are the same to whoever asks.
"""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from ncenet.errors import BrokenPlugIn, NcenetError, UnknownName, UsageError

T = TypeVar("T")
R = TypeVar("R")


class Interrupted(KeyboardInterrupt):
    """Somebody pressed Ctrl-C, which a plug-in may raise as well."""


@contextmanager
def _foreign() -> Iterator[None]:
    """Run code of others: what it prints is no part of our output, and what it raises no word of the user's.

    Raises:
        Interrupted: somebody pressed Ctrl-C.
    """
    ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT)

    def interrupted(*_: object) -> None:
        raise Interrupted

    with contextlib.redirect_stdout(sys.stderr):
        if not callable(ours):
            yield
            return
        signal.signal(signal.SIGINT, interrupted)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, ours)


class Registry(Generic[T]):
    """Named things of one kind.

    Args:
        kind: what they are called in messages, for instance ``"query strategy"``.
        package: package whose modules register the built-ins when they are imported.
        group: entry point group of the plug-ins; each entry point's name is the thing's name.

    >>> colours = Registry[int]("colour", package=None, group="doctest.colours")
    >>> @colours.register("red")
    ... def red() -> int: return 1
    >>> colours.get("red")()
    1
    >>> colours.get("rde")
    Traceback (most recent call last):
    ...
    ncenet.errors.UnknownName: unknown colour 'rde': did you mean 'red'? known: red
    """

    def __init__(self, kind: str, *, package: str | None, group: str) -> None:
        self.kind, self.package, self.group = kind, package, group
        self._entries: dict[str, Callable[..., T]] = {}
        self._order: dict[str, int] = {}
        self._plugged: dict[str, str] = {}
        self._broken: dict[str, str] = {}
        self._told: set[str] = set()
        self._loaded = False

    def register(self, name: str, *, order: int = 100) -> Callable[[Callable[..., T]], Callable[..., T]]:
        """Decorator that enters a factory (a class or a function) under a name.

        In a script of one's own that is enough: the name is known from there on.

        Args:
            name: what it is called.
            order: its place in :meth:`ordered`, where that matters; equal ones by name.

        Raises:
            ValueError: the name is taken by something else.
        """

        def enter(factory: Callable[..., T]) -> Callable[..., T]:
            if self._entries.setdefault(name, factory) is not factory:
                raise ValueError(f"{self.kind} {name!r} is registered twice")
            self._order.setdefault(name, order)
            return factory

        return enter

    @contextmanager
    def temporarily(self, **factories: Callable[..., T]) -> Iterator[None]:
        """Within a ``with`` these names stand for these factories; whatever else enters meanwhile goes too.

        Args:
            factories: by name; they take the place of those that have these names otherwise.

        >>> colours = Registry[int]("colour", package=None, group="doctest.colours")
        >>> with colours.temporarily(red=lambda: 2):
        ...     colours.get("red")()
        2
        >>> colours.names()
        []
        """
        self._load()
        before, order = self._entries, self._order
        self._entries = before | factories
        self._order = dict.fromkeys(factories, 100) | order
        try:
            yield
        finally:
            self._entries, self._order = before, order

    def get(self, name: str) -> Callable[..., T]:
        """The factory of that name.

        Raises:
            UnknownName: there is none; the message names the nearest.
            UsageError: it is that of a plug-in which can't be loaded.
        """
        self._load()
        if name in self._broken and name not in self._entries:
            raise UsageError(self._broken[name])
        if name not in self._entries:
            raise UnknownName(self.kind, name, self._entries)
        return self._entries[name]

    def names(self) -> list[str]:
        """All names, sorted."""
        self._load()
        return sorted(self._entries)

    def ordered(self) -> list[tuple[str, Callable[..., T]]]:
        """Names and factories, in the order that they registered with."""
        self._load()
        return sorted(self._entries.items(), key=lambda entry: (self._order[entry[0]], entry[0]))

    def use(self, name: str, do: Callable[[Callable[..., T]], R]) -> R:
        """What something makes of the factory of that name, such as an instance.

        Args:
            name: of the factory.
            do: is given the factory.

        Raises:
            UnknownName: there is none; the message names the nearest.
            UsageError: it is that of a plug-in which can't be loaded, or which failed in this; names it.
        """
        factory = self.get(name)
        if name not in self._plugged:
            return do(factory)
        try:
            with _foreign():
                return do(factory)
        except BaseException as error:
            if isinstance(error, NcenetError | Interrupted):
                raise
            raise UsageError(self._blame(name, "fails", error)) from error

    def each(self, do: Callable[[Callable[..., T]], R]) -> Iterator[tuple[str, R]]:
        """What something makes of each factory, in the order of :meth:`ordered`.

        A plug-in in which that fails is named in a :class:`~ncenet.errors.BrokenPlugIn` and left out.
        """
        for name, factory in self.ordered():
            if name not in self._plugged:
                yield name, do(factory)
                continue
            try:
                with _foreign():
                    made = do(factory)
            except BaseException as error:
                if isinstance(error, Interrupted):
                    raise
                self._warn(self._blame(name, "fails and is left out", error))
            else:
                yield name, made

    def __iter__(self) -> Iterator[tuple[str, Callable[..., T]]]:
        return ((name, self.get(name)) for name in self.names())

    def _load(self) -> None:
        if self._loaded:
            return
        if self.package is not None:
            for module in pkgutil.iter_modules(importlib.import_module(self.package).__path__):
                importlib.import_module(f"{self.package}.{module.name}")
        for point in entry_points(group=self.group):
            if point.name in self._broken:
                continue
            self._plugged[point.name] = point.value
            try:
                with _foreign():
                    self.register(point.name)(point.load())
            except BaseException as error:  # others' packages may raise anything
                if isinstance(error, Interrupted):
                    raise
                self._broken[point.name] = self._blame(point.name, "can't be loaded", error)
                del self._plugged[point.name]
                self._warn(self._broken[point.name])
        self._loaded = True

    def _blame(self, name: str, what: str, error: BaseException) -> str:
        """That it is the plug-in's error, and not ours; what packages of others raise may not even print."""
        try:
            why = f"{type(error).__name__}: {error}"
        except Exception:  # noqa: BLE001 - the same
            why = type(error).__name__
        place = self._plugged[name]
        return (
            f"the {self.kind} {name!r} of a plug-in ({place}) {what}: {why}; repair or uninstall that package"
        )

    def _warn(self, message: str) -> None:
        if message not in self._told:
            self._told.add(message)
            warnings.warn(message, BrokenPlugIn, stacklevel=4)
