"""The commands: what each is called, where it lives and what it does, in the order of a project's life.

A command's module is imported when the command is called; what it does stands here as well as in its own
docstring, so that ``ncenet --help`` imports none of them.
"""

from __future__ import annotations

import textwrap
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cyclopts import App

PURPOSE = "Which images to label next: active learning with a classifier that knows what it doesn't know."
EPILOGUE = "Start with `ncenet demo`. Any command takes --debug for tracebacks."
WIDTH = 80


class Command(NamedTuple):
    """A command.

    Attributes:
        name: the word that calls it.
        where: module and function within this package.
        does: the first paragraph of its help.
    """

    name: str
    where: str
    does: str


COMMANDS = (
    Command(
        "demo",
        "demo:demo",
        "Compare NCE-Net with random and softmax on small digits: offline, a minute and a half on two cores.",
    ),
    Command(
        "init",
        "init:init",
        "Look at every image, say what is there, and write a commented recipe into a run folder.",
    ),
    Command(
        "features",
        "features:features",
        "Embed images: each becomes a vector, once, which every run with --features then reads.",
    ),
    Command(
        "label",
        "label:label",
        "Label images in the browser; a model trains meanwhile and asks for those that teach it most.",
    ),
    Command(
        "annotators",
        "annotators:annotators",
        "Make links by which annotators open the page of a run in their own name, and revoke them.",
    ),
    Command(
        "ask",
        "ask:ask",
        "Print the images to label next, most informative first.",
    ),
    Command(
        "tell",
        "tell:tell",
        "Record answers; each is on disk when this returns, or none of them is.",
    ),
    Command(
        "run",
        "run:run",
        "Simulate what a recipe file describes; run it again to go on after an interrupt.",
    ),
    Command(
        "simulate",
        "simulate:simulate",
        "Simulate active learning on images whose labels are known, and say what it would have reached.",
    ),
    Command(
        "compare",
        "compare:compare",
        "Compare heads and strategies over paired seeds, and say what the numbers can and cannot show.",
    ),
    Command(
        "report",
        "report:report",
        "Print what a run or comparison found, and write its report: page, Markdown, LaTeX, CSV and figures.",
    ),
    Command(
        "score",
        "score:score",
        "Print what a model says of each image, a row each; memory does not grow with their number.",
    ),
    Command(
        "select",
        "select:select",
        "Choose images from files of scores, of any model: exact, and without holding the pool in memory.",
    ),
    Command(
        "export",
        "export:export",
        "Write the labels of a run for other tools, its model for other runtimes, or notes on its images.",
    ),
    Command(
        "sort",
        "sort:sort",
        "Sort the images of a run into folders by class, the doubtful into review/; nothing is overwritten.",
    ),
    Command(
        "import",
        "import_:import_",
        "Read labels into a run, as answers; what stands is never overwritten unasked.",
    ),
    Command(
        "serve",
        "serve:serve",
        "Be the ML backend of a Label Studio project: its next task follows our scores, answers "
        "come at once.",
    ),
    Command(
        "label-studio",
        "label_studio:label_studio",
        "Move the last query to Label Studio, or the answers back.",
    ),
    Command(
        "repair",
        "repair:repair",
        "Check a run folder, and set aside what is broken, so that the run can go on; answers are "
        "never deleted.",
    ),
    Command(
        "strategies",
        "listings:strategies",
        "List the query strategies, built-in and from plug-ins, or one with its options.",
    ),
    Command(
        "datasets",
        "listings:datasets",
        "List the built-in data sets, or download one.",
    ),
    Command(
        "doctor",
        "doctor:doctor",
        "Show versions, devices, memory and optional parts; attach this to a bug report.",
    ),
)


@cache
def app() -> App:
    """The program, which imports a command when it is called."""
    from cyclopts import App

    import ncenet

    program = App(
        name="ncenet",
        help=PURPOSE,
        help_epilogue=EPILOGUE,
        version=ncenet.__version__,
        default_parameter=None,
        result_action="return_value",
        suppress_keyboard_interrupt=False,
    )
    for order, command in enumerate(COMMANDS):
        program.command(f"ncenet.cli.{command.where}", name=command.name, help=command.does, sort_key=order)
    return program


def overview() -> str:
    """What ``ncenet --help`` prints."""
    column = max(len(command.name) for command in COMMANDS) + 4
    lines = ["Usage: ncenet COMMAND", "", *textwrap.wrap(PURPOSE, WIDTH), "", "Commands:"]
    for command in COMMANDS:
        first, *rest = textwrap.wrap(command.does, WIDTH - column)
        lines.append(f"  {command.name}".ljust(column) + first)
        lines += [" " * column + more for more in rest]
    options = {"--help (-h)": "Display this message and exit.", "--version": "Display application version."}
    lines += ["", "Options:", *(f"  {flag}".ljust(column) + what for flag, what in options.items())]
    return "\n".join([*lines, "", EPILOGUE.replace("`", ""), ""])
