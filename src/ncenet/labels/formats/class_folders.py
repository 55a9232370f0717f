"""Class folders: the images of each class in a folder of its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote

from ncenet.data.folders import find_images
from ncenet.data.pools import FolderPool
from ncenet.errors import DataError
from ncenet.labels.folder_format import FolderFormat, FoundLabels
from ncenet.labels.formats import formats
from ncenet.labels.names import folder_names
from ncenet.labels.records import Known, Labels, Record
from ncenet.types import Pool


@formats.register("class-folders")
class ClassFolders(FolderFormat):
    """What most training code reads; moving an image to another folder changes its label."""

    tasks = frozenset({"classification"})

    def recognises(self, source: Path) -> bool:
        """Any folder."""
        return source.is_dir()

    def place(self, paths: Mapping[str, str], answers: Sequence[Record], labels: Labels) -> list[str]:
        """The folder of the class, then the path of the id."""
        folders = folder_names(labels.class_names)
        return [f"{folders[record.label or '']}/{paths[record.id]}" for record in answers]

    def annotate(self, placed: Mapping[str, Record], labels: Labels, pool: Pool, target: Path) -> None:
        """The folders say it all."""

    def found(self, source: Path, known: Known) -> list[FoundLabels]:
        """The class of each image by its first folder.

        Raises:
            DataError: an image lies in no folder.
        """
        paths = find_images(source)
        astray = [path for path in paths if "/" not in path]
        if astray:
            raise DataError(f"{source / astray[0]}: lies in no class folder")
        classes = {folder: name for name, folder in folder_names(known.class_names).items()}
        first = {path: path.partition("/")[0] for path in paths}
        labels = {path: classes.get(folder, unquote(folder)) for path, folder in first.items()}
        return [FoundLabels(FolderPool(source, paths, channels=3), labels)]

    def name_of(self, path: str) -> str:
        """The path below the class folder."""
        return path.partition("/")[2]
