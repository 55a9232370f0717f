"""The other direction: a server that Label Studio asks for predictions, its ML backend.

Its predictions carry a score by which Label Studio chooses the next task: the lowest first, so the images
that the run's query strategy finds most informative have the lowest. Annotations arrive as webhooks and go
into the ledger at once.

Label Studio sends no password with its webhooks, so the address itself is the secret: everything lives below
``/TOKEN/``, and any other address is not found.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ncenet.class_names import shown
from ncenet.data.pools import size_of
from ncenet.doors import secret
from ncenet.errors import DataError, NcenetError
from ncenet.label_studio.annotations import NoAnswer, record_of
from ncenet.label_studio.client import Client
from ncenet.label_studio.exchange import LINK, link_of, remember
from ncenet.label_studio.image_names import ImageNames
from ncenet.label_studio.tasks import (
    Control,
    boxes_result,
    class_result,
    control_of,
    json_object,
    our_control,
)
from ncenet.labels.changes import apply, effects_of
from ncenet.learners.box_counts import ExpectedBoxes
from ncenet.models.model import DetectionModel, Model, load
from ncenet.recipe import LoopRecipe
from ncenet.run.opening import OpenRun
from ncenet.strategies.build import build_strategy
from ncenet.strategies.confusion import Confusion
from ncenet.strategies.options import score_options
from ncenet.strategies.score import ScoreStrategy, ranks_alone
from ncenet.types import Pool, Prediction

KNOWN_NEEDS = frozenset({"probs", "features", "samples", "boxes"})
"""What a loaded model can tell; strategies that need more are followed by way of confusion."""
WEBHOOKS = ("ANNOTATION_CREATED", "ANNOTATION_UPDATED")


class Heard(NamedTuple):
    """What became of a message.

    Attributes:
        recorded: events that were written into the ledger.
        left_out: why annotations were not taken, one sentence each.
    """

    recorded: int
    left_out: tuple[str, ...] = ()


class MlBackend:
    """What answers Label Studio; may be called from several threads.

    Args:
        run: the run whose model predicts and whose ledger takes the answers.
        train: trains on the answers there are, called in a thread of its own when Label Studio says so.
        client: the server that asks. With it, annotators have their names, and the project that the run was
            pushed to follows each new model; without it, they are numbers, and somebody has to choose the
            model's version in the project's settings.
        tell: told of annotations that are left out, a sentence each.
    """

    def __init__(
        self,
        run: OpenRun,
        train: Callable[[], None] = lambda: None,
        client: Client | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.run, self.client = run, client
        self._train, self._tell = train, tell
        self._users: dict[int, str] = {}
        self._followed = ""
        self._lock = threading.Lock()
        self._training, self._following = threading.Lock(), threading.Lock()
        self._model: Model | DetectionModel | None = None
        self._expected: ExpectedBoxes | None = None
        self._by_name: ImageNames | None = None
        self.failure: str | None = None

    def version(self) -> str:
        """The model that predicts, by its cycle; before there is one, ``no model``."""
        file = self.run.last_model()
        return "no model" if file is None else f"cycle {int(file.parent.name)}"

    def setup(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer Label Studio's first words.

        Raises:
            DataError: its labelling page offers other classes than the run has.
        """
        schema = str(request.get("schema") or "<View/>")
        control_of(schema, self.run.class_names, self.run.recipe.task, exactly=True)
        threading.Thread(target=self.follow, daemon=True).start()  # it waits for this very answer
        return {"model_version": self.version()}

    def predict(self, request: Mapping[str, Any]) -> list[dict[str, Any]]:
        """One prediction a task, in their order; one without a result where the image is unknown.

        Raises:
            DataError: that is no list of tasks, or none of the project's questions is the run's.
        """
        tasks = request.get("tasks") or []
        if not isinstance(tasks, list):
            raise DataError("the tasks are no JSON list")
        data = [json_object(json_object(task, "a task").get("data"), "the data of a task") for task in tasks]
        control, version = self._control(request) or self._ours, self.version()
        with self._lock:
            ids = [self._id_of(each, control.key) for each in data]
            found = self._looked_at([id for id in dict.fromkeys(ids) if id is not None], control)
        nothing = {"result": [], "model_version": version}
        return [dict(nothing) if id not in found else {**found[id], "model_version": version} for id in ids]

    def webhook(self, request: Mapping[str, Any]) -> Heard:
        """Take in what happened there.

        An annotation that contradicts another annotator's is recorded as well: it was given later. A skip
        takes no other annotator's answer away. Of several annotations that arrive together each is taken by
        itself; one that came by here and is deleted there is taken back, also by a later server.

        Raises:
            DataError: the message is malformed, or its only annotation none that an image can have.
        """
        action = request.get("action")
        if action == "START_TRAINING":
            threading.Thread(target=self._train_once, daemon=True).start()
        if action == "ANNOTATIONS_DELETED":
            outcomes = [self._attempt(self._take_back, each) for each in listed_in(request, "annotation")]
        elif action in WEBHOOKS or action == "ANNOTATIONS_CREATED":
            control = self._control(json_object(request.get("project"), "the project"))
            pairs = self._pairs(request)
            alone = action in WEBHOOKS
            outcomes = [self._attempt(self._record, *pair, control, alone=alone) for pair in pairs]
        else:
            return Heard(0)
        left_out = tuple(outcome for outcome in outcomes if isinstance(outcome, str))
        return Heard(sum(outcome for outcome in outcomes if isinstance(outcome, int)), left_out)

    def _attempt(self, take: Callable[..., int], *about: Any, alone: bool = False) -> int | str:
        """How many events it wrote, or why it is left out."""
        try:
            return take(*about)
        except DataError as error:
            if alone and not isinstance(error, NoAnswer):
                raise
            self._tell(f"left out: {error}")
            return str(error)

    def _pairs(self, request: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        """Each annotation with its task."""
        listed = listed_in(request, "task")
        tasks = {task["id"]: task for task in listed if isinstance(task.get("id"), int)}
        pairs = []
        for annotation in listed_in(request, "annotation"):
            about = annotation.get("task")
            number = about.get("id") if isinstance(about, Mapping) else about
            if isinstance(number, int):
                task = tasks.get(number, {"id": number})
            else:
                task = listed[0] if len(listed) == 1 else {"id": None}
            if "data" not in task and self.client is not None and isinstance(task.get("id"), int):
                task = self.client.task(task["id"])
            pairs.append((task, annotation))
        return pairs

    def _record(self, task: Mapping[str, Any], annotation: Mapping[str, Any], control: Control | None) -> int:
        key = (control or self._ours).key
        record = record_of(
            task,
            annotation,
            self._names(annotation),
            self.run.recipe.task,
            control,
            find=lambda data: self._image_names().find(data, key),
            size=self.run.sizes,
        )
        known = annotation_fact(annotation)
        changes = effects_of(self.run, [record], otherwise="Label Studio")
        # What it came from is known when it is there, and nobody answers between the look and the record.
        with self.run.ledger.transaction():
            stands = self.run.ledger.review.standing(record.id)
            if record.kind == "skip" and stands and stands.kind == "answer" and stands.who != record.who:
                raise NoAnswer(
                    f"{record.id!r}: {record.who} skipped it, and {stands.who} answered: the answer stands"
                )
            if self.run.ledger.recall(f"{known} deleted") == record.id:
                raise NoAnswer(f"{known} of {record.id!r} was deleted there: this is an old message")
            recorded = apply(self.run.ledger, changes, on_conflict="replace")
            said = self.run.ledger.review.standing(record.id)
            if said is not None and self.run.ledger.recall(known) in (None, record.id):
                self.run.ledger.remember(known, record.id)
                self.run.ledger.remember(f"{known} event {said.seq}", record.id)
        return recorded

    def _take_back(self, annotation: Mapping[str, Any]) -> int:
        known = annotation_fact(annotation)
        with self.run.ledger.transaction():
            id = self.run.ledger.recall(known)
            if id is None:
                raise NoAnswer(
                    f"{known} was deleted there and did not come by here: the word undo in ncenet tell takes "
                    "its answer back"
                )
            self.run.ledger.remember(f"{known} deleted", id)
            said = self.run.ledger.review.standing(id)
            if said is None or self.run.ledger.recall(f"{known} event {said.seq}") is None:
                return 0  # another answer stands by now
            self.run.ledger.undo(id, who=said.who)
        return 1

    def follow(self) -> None:
        """Have the project's next task follow the model there is now, once for each model."""
        project, version = link_of(self.run.folder).get("project"), self.version()
        if self.client is None or project is None or self.run.last_model() is None:
            return
        with self._following:
            if self._followed == version:
                return
            self._followed = version  # before: fetching predictions begins with another setup
        try:
            self.client.fetch_predictions(project)
            self.client.use_predictions(project, version)
        except DataError as error:
            self.failure, self._followed = str(error), ""

    @property
    def _ours(self) -> Control:
        return our_control(self.run.class_names, self.run.recipe.task)

    def _control(self, told: Mapping[str, Any]) -> Control | None:
        """The project's question that is the run's, where the project's labelling page is told."""
        config = told.get("label_config")
        return control_of(str(config), self.run.class_names, self.run.recipe.task) if config else None

    def _names(self, annotation: Mapping[str, Any]) -> Mapping[int, str]:
        """Names of annotators; asked for again when somebody is new."""
        number = annotation.get("completed_by")
        if self.client is not None and isinstance(number, int) and number not in self._users:
            try:
                self._users = self.client.users()
            except DataError as error:  # what was answered counts more than its name
                self.failure = str(error)
        return self._users

    def _train_once(self) -> None:
        if not self._training.acquire(blocking=False):
            return  # it is training already, and will learn what arrived meanwhile the next time
        try:
            self._train()
            self.failure = None
            self.follow()
        except NcenetError as error:
            self.failure = str(error)
        finally:
            self._training.release()

    def _looked_at(self, ids: Sequence[str], control: Control) -> dict[str | None, dict[str, Any]]:
        file = self.run.last_model()
        if file is None or not ids:
            return {}
        if self._model is None or self._model.file != file:
            self._model, self._expected = load(file), None
        ranking = _ranking(self.run.recipe.loop)
        boxes = {"boxes"} if isinstance(self._model, DetectionModel) else set()
        found: dict[str | None, dict[str, Any]] = {}
        for chunk in self._model.learner.predict(self._images(), ids, want=ranking.needs | boxes):
            scores = map(lowest_first, ranking.image_scores(chunk).tolist())
            results = self._results(self._model, chunk, control)
            for id, result, score in zip(chunk.ids, results, scores, strict=True):
                found[id] = {"result": result, "score": score}
        return found

    def _results(
        self, model: Model | DetectionModel, chunk: Prediction, control: Control
    ) -> Iterable[list[dict[str, Any]]]:
        """What a model sees in images: the likeliest class, or the boxes that seem to be there."""
        if isinstance(model, Model):
            return [
                class_result(model.class_names[best], control) for best in chunk.probs.argmax(-1).tolist()
            ]
        if self._expected is None:
            self._expected = ExpectedBoxes(dict(self.run.ledger.labeled()), self._images(), model.learner)
        suggested = map(self._expected.suggest, model.learner.objects(self._images(), chunk))
        return [boxes_result(each, size_of(self._images(), each.id), control) for each in suggested]

    def _images(self) -> Pool:
        return self.run.pool

    def _image_names(self) -> ImageNames:
        if self._by_name is None:
            self._by_name = ImageNames(self.run.ledger.items())
        return self._by_name

    def _id_of(self, data: Mapping[str, Any], key: str) -> str | None:
        """The image of a task, if it is one of the run's."""
        try:
            id = self._image_names().find(data, key)
        except NoAnswer:
            return None
        return id if id in self._image_names() else None


def annotation_fact(annotation: Mapping[str, Any]) -> str:
    """How the ledger knows an annotation: under this, its image; with ``event N``, the event it became.

    Raises:
        DataError: it has no number, by which others could be taken for it.

    >>> annotation_fact({"id": 7})
    'Label Studio annotation 7'
    """
    number = annotation.get("id")
    if not isinstance(number, int) or isinstance(number, bool):
        raise DataError(f"an annotation has the id {shown(number)}, not a number")
    return f"Label Studio annotation {number}"


def listed_in(request: Mapping[str, Any], what: str) -> list[Mapping[str, Any]]:
    """What a message holds one or several of, under ``task`` or ``tasks`` say; a bare number is an id.

    Raises:
        DataError: there is something else.
    """
    found = request.get(f"{what}s", request.get(what))
    several = found if isinstance(found, list) and f"{what}s" in request else [found]
    return [
        {"id": each} if isinstance(each, int) and f"{what}s" in request else json_object(each, f"the {what}")
        for each in several
    ]


def lowest_first(score: float) -> float:
    """A score of ours, where more is more informative, as one in (0, 1) where the lowest comes first.

    >>> [lowest_first(score) for score in (-1.0, 0.0, 3.0)]
    [0.75, 0.5, 0.125]
    """
    return (1 - score / (1 + abs(score))) / 2


def backend_token(folder: Path) -> str:
    """The secret part of the address; the same each time, for Label Studio keeps it.

    Raises:
        UsageError: the folder remembers something that is none, or others can read what it remembers.
    """
    link = link_of(folder)
    if "token" not in link:
        remember(folder, token=secret.make())
        link = link_of(folder)
    made = secret.checked_secret(link["token"], str(folder / LINK))
    secret.check_private(folder / LINK)
    return made


def _ranking(recipe: LoopRecipe) -> ScoreStrategy:
    """The strategy of a run if it gives each image a score that the model alone can tell, else confusion."""
    strategy = build_strategy(recipe)
    if ranks_alone(strategy) and strategy.needs <= KNOWN_NEEDS:
        return strategy
    return Confusion(**score_options(recipe).model_dump())
