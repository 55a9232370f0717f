"""A query goes to Label Studio, its answers come back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ncenet.doors import secret
from ncenet.errors import DataError, UsageError
from ncenet.label_studio.annotations import NoAnswer, in_order, record_of
from ncenet.label_studio.client import Client
from ncenet.label_studio.image_names import ImageNames
from ncenet.label_studio.tasks import HASH, ID, Control, control_of, label_config
from ncenet.labels.changes import Change, effects_of
from ncenet.labels.images import encoded, paths_of
from ncenet.labels.records import Record, distinct
from ncenet.run.opening import OpenRun
from ncenet.text_files import read_json

LINK = "label-studio.json"
"""File of the run folder that remembers the project."""


@dataclass(frozen=True)
class Pushed:
    """What a push did.

    Attributes:
        project: number of the project.
        url: page of the project.
        sent: images that became tasks.
        there: images that were tasks already.
    """

    project: int
    url: str
    sent: int
    there: int


def push(run: OpenRun, client: Client, *, project: int | None = None, everything: bool = False) -> Pushed:
    """Make tasks of the images that are asked for; those that are tasks already stay as they are.

    The first has the lowest prediction score, so a project with uncertainty sampling shows it first.

    Args:
        run: the run.
        client: the server.
        project: number of the project. Default: that of the last push, or a new one.
        everything: all images without an answer, after those of the query.

    Raises:
        UsageError: nothing has been asked yet.
        DataError: the project offers other classes.
    """
    last = run.ledger.latest_query()
    if last is None:
        raise UsageError(f"{run.folder}: nothing was asked yet: ncenet ask {run.folder}")
    ids = run.ledger.open_ids(last)
    if everything:
        closed = run.ledger.closed_ids() | set(ids) | run.ledger.problems().keys()
        ids += [item.id for item in run.ledger.items() if item.id not in closed]
    number, control = _project(run, client, project)
    there = {task["data"].get(ID): task for task in client.tasks(number)}
    version = f"ncenet query {last.number}"
    hashes = {item.id: item.hash for item in run.ledger.items()}
    pool = run.pool
    wanted = [Record(id, None, "skip") for id in ids if id not in there]
    paths = paths_of(pool, wanted)
    for rank, id in enumerate(ids, start=1):
        prediction = {"model_version": version, "score": rank / (len(ids) + 1), "result": []}
        if id not in there:
            # By its hash: a name that any address and header can hold.
            name = hashes[id] + PurePosixPath(paths[id]).suffix
            address = client.upload(number, name, encoded(pool, id, hashes[id]))
            data = {control.key: address, ID: id, HASH: hashes[id]}
            client.add_tasks(number, [{"data": data, "predictions": [prediction]}])
        elif version not in {each.get("model_version") for each in there[id].get("predictions") or ()}:
            client.add_prediction(there[id]["id"], prediction)
    client.use_predictions(number, version)
    return Pushed(number, f"{client.url}/projects/{number}/data", len(wanted), len(ids) - len(wanted))


def pull(
    run: OpenRun,
    client: Client,
    *,
    project: int | None = None,
    who: str | None = None,
    otherwise: str,
    tell: Callable[[str], None] = lambda _: None,
) -> list[Change]:
    """Read the answers of a project, and say what they would do.

    The latest answer to a task counts; a skip, where nobody answered it.

    :func:`ncenet.labels.changes.apply` then does it.

    Args:
        run: the run.
        client: the server.
        project: number of the project. Default: that of the last push.
        who: the annotator. Default: Label Studio's name for them.
        otherwise: the annotator when Label Studio knows none.
        tell: told of annotations that are left out, and of answers that seem to be deleted there.

    Raises:
        UsageError: nothing was pushed from this run, and no project is named.
        DataError: an annotation is none that an image can have; names the task. Or none of the project's
            questions is the run's.
    """
    number = project if project is not None else _remembered(run, client)
    if number is None:
        raise UsageError(f"{run.folder}: nothing was pushed to {client.url} from here; name a `project`")
    control = control_of(client.project(number)["label_config"], run.class_names, run.recipe.task)
    users = client.users()
    names, records = ImageNames(run.ledger.items()), []

    def find(data: Mapping[str, Any]) -> str:
        return names.find(data, control.key)

    for task in client.tasks(number):
        annotations, why = in_order(task.get("annotations") or ()), None
        for annotation in annotations:
            try:
                records.append(
                    record_of(task, annotation, users, run.recipe.task, control, find=find, size=run.sizes)
                )
                break
            except NoAnswer as error:
                why = why or str(error)
        else:
            deleted = None if annotations else _deleted(run, task, find, users)
            if why or deleted:
                tell(why or deleted or "")
    records = distinct(records, f"project {number}")
    return effects_of(run, records, who=who, otherwise=otherwise)


def _deleted(
    run: OpenRun, task: Mapping[str, Any], find: Callable[[Mapping[str, Any]], str], users: Mapping[int, str]
) -> str | None:
    """That a task without annotations had one once, if the run holds an answer of somebody there."""
    try:
        said = run.ledger.review.standing(find(task.get("data") or {}))
    except NoAnswer:
        return None
    if said is None or said.who not in users.values():
        return None
    return (
        f"{said.id!r} has an answer of {said.who} here and none there: if it was deleted, the word undo in "
        "ncenet tell takes it back"
    )


def link_of(folder: Path) -> dict[str, Any]:
    """What a run folder remembers of Label Studio; empty when nothing.

    Raises:
        DataError: the file is damaged.
    """
    file = folder / LINK
    if not file.exists():
        return {}
    try:
        return dict(read_json(file))
    except (DataError, ValueError, TypeError) as error:
        raise DataError(f"{file}: damaged: {error}; remove it, and push again with `project`") from error


def remember(folder: Path, **facts: object) -> None:
    """Add to what a run folder remembers; only its owner may read it."""
    secret.write_private(folder / LINK, json.dumps(link_of(folder) | facts, indent=1) + "\n")


def _project(run: OpenRun, client: Client, project: int | None) -> tuple[int, Control]:
    """Number of the project to push to, and its question that is the run's."""
    number = project if project is not None else _remembered(run, client)
    if number is None:
        config = label_config(run.class_names, run.recipe.task)
        number = client.create_project(run.folder.resolve().name, config)
    config = client.project(number)["label_config"]
    try:
        control = control_of(config, run.class_names, run.recipe.task, exactly=True)
    except DataError as error:
        raise DataError(
            f"project {number}: {error}: make them the same, or leave `project` away for a new one"
        ) from error
    remember(run.folder, url=client.url, project=number)
    return number, control


def _remembered(run: OpenRun, client: Client) -> int | None:
    link = link_of(run.folder)
    return link.get("project") if link.get("url") == client.url else None
