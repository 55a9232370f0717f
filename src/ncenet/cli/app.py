"""The program ``ncenet``: its commands, its exit codes, how it reports errors.

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from cyclopts import App

import ncenet
from ncenet.cli import (
    ask,
    compare,
    demo,
    doctor,
    export,
    import_,
    init,
    label,
    label_studio,
    listings,
    report,
    run,
    score,
    serve,
    simulate,
    tell,
)
from ncenet.cli.console import plain_console
from ncenet.errors import NcenetError, UsageError

app = App(
    name="ncenet",
    help="Which images to label next: active learning with a classifier that knows what it doesn't know.",
    help_epilogue="Start with `ncenet demo`. Any command takes --debug for tracebacks.",
    version=ncenet.__version__,
    default_parameter=None,
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)
# In the order of a project's life.
_commands: tuple[Callable[..., None], ...] = (
    demo.demo,
    init.init,
    label.label,
    ask.ask,
    tell.tell,
    run.run,
    simulate.simulate,
    compare.compare,
    report.report,
    score.score,
    export.export,
    import_.import_,
    serve.serve,
    label_studio.label_studio,
    listings.strategies,
    listings.datasets,
    doctor.doctor,
)
for _order, _command in enumerate(_commands):
    app.command(_command, sort_key=_order)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program and exit.

    Args:
        arguments: words of the command line without the program's name; those of the process when None.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    try:
        app(words, exit_on_error=True)
    except KeyboardInterrupt:
        _say("interrupted; run the same command again to go on")
        sys.exit(130)
    except NcenetError as error:
        if debug:
            raise
        _say(str(error))
        sys.exit(2 if isinstance(error, UsageError) else 1)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:
        if debug:
            raise
        if isinstance(error, OSError) and error.strerror:  # a full disk, no permission, a file for a folder
            _say(f"{error.filename}: {error.strerror}" if error.filename else error.strerror)
        else:
            name = type(error).__name__
            _say(f"{name}: {error}\nthis is a defect: run again with --debug for the traceback")
        sys.exit(1)


def _say(message: str) -> None:
    console = plain_console(stderr=True)
    console.print("error", style="bold red", end=" ")
    console.print(message)
