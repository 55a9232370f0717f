"""The program ``ncenet``: its commands, its exit codes, how it reports errors.

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ncenet.cli.commands import app, overview
from ncenet.errors import BrokenPlugIn, MissingGlyphs, NcenetError, Renamed, UsageError, in_a_line


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program and exit.

    Args:
        arguments: words of the command line without the program's name; those of the process when None.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    try:
        if words in ([], ["--help"], ["-h"]):  # without the tenth of a second that parsing takes to import
            print(overview(), end="")
        else:
            with pointing_out():
                _call(words)
    except KeyboardInterrupt:
        from ncenet.console import plain_console

        plain_console(stderr=True).print("interrupted; run the same command again to go on")
        sys.exit(130)
    except NcenetError as error:
        if debug:
            raise
        _say(str(error), words)
        sys.exit(2 if isinstance(error, UsageError) else 1)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:
        if debug:
            raise
        if _for_want_of_memory(error):
            _say("out of memory: take fewer --workers, smaller images or --cache-gb 0")
        elif isinstance(error, OSError) and error.strerror:  # a full disk, no permission, a file for a folder
            _say(f"{error.filename}: {error.strerror}" if error.filename else error.strerror)
        else:
            _say(f"{in_a_line(error)}\nthis is a defect: run again with --debug for the traceback")
        sys.exit(1)


def _call(words: Sequence[str]) -> None:
    """Carry out a command line.

    Raises:
        UsageError: nobody can.
    """
    from cyclopts import CycloptsError

    try:
        app()(words, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        from ncenet.cli.usage import said_of

        raise UsageError(said_of(error)) from error


def _for_want_of_memory(error: Exception) -> bool:
    """Whether there was no room, which torch says in its words alone."""
    said = str(error)
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and ("out of memory" in said or "can't allocate memory" in said)
    )


@contextmanager
def pointing_out() -> Iterator[None]:
    """Names that have changed, plug-ins that are broken and missing fonts are told in one line each."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", Renamed)
        warnings.simplefilter("always", BrokenPlugIn)
        warnings.simplefilter("always", MissingGlyphs)
        # What Pillow thinks of an image that it decodes is no matter of whoever reads the lines.
        warnings.filterwarnings("ignore", module=r"PIL\.")
        show = warnings.showwarning

        def point_out(message: Warning | str, *args: Any, **options: Any) -> None:
            if not isinstance(message, Renamed | BrokenPlugIn | MissingGlyphs):
                show(message, *args, **options)
                return
            from ncenet.console import plain_console

            plain_console(stderr=True).print(f"note: {message}")

        warnings.showwarning = point_out
        yield


def _say(message: str, words: Sequence[str] = ()) -> None:
    """Tell a mistake, with the flags of the command that the words name."""
    from ncenet.cli.flags import as_typed
    from ncenet.cli.usage import flags_of
    from ncenet.console import plain_console

    console = plain_console(stderr=True)
    console.print("error", style="bold red", end=" ")
    console.print(as_typed(message, flags_of(words)))
