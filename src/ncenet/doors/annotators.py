"""Links of annotators: each opens the page in one name, and can be revoked while the page is served.

``annotators.json`` in the run folder holds, for each link, a name and a digest; the secret itself is in the
link alone. Only the owner of the folder can read the file. Whoever serves looks at it again when it changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from ncenet.doors import secret
from ncenet.errors import DamagedRecord, UsageError
from ncenet.files import alone
from ncenet.text_files import read_whole

MOST = 64
"""Characters of a name."""
_DIGEST = r"^[0-9a-f]{64}$"


class Link(BaseModel):
    """What is remembered of a link.

    Attributes:
        name: of the annotator.
        digest: SHA-256 of the secret in it, which has 192 random bits: nobody finds it by trying.
        added: when it was made.
        revoked: since when it opens nothing any more; None while it does.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=MOST)
    digest: str = Field(pattern=_DIGEST)
    added: datetime
    revoked: datetime | None = None


_LINKS = TypeAdapter(tuple[Link, ...])


class Annotators:
    """The links of a run.

    Args:
        folder: the run folder.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     annotators = Annotators(Path(folder))
    ...     key = annotators.add(["anna"])["anna"]
    ...     before = annotators.whose(key)
    ...     annotators.revoke(["anna"])
    ...     print(before.name, before.revoked, annotators.whose(key).revoked is None)
    anna None False
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self.file = folder, folder / "annotators.json"
        self._seen: object = None
        self._by_digest: dict[str, Link] = {}

    def links(self) -> tuple[Link, ...]:
        """All links that were ever made, in their order.

        Raises:
            DamagedRecord: the file can't be read.
        """
        try:
            return _LINKS.validate_json(read_whole(self.file))
        except FileNotFoundError:
            return ()
        except (OSError, ValidationError) as error:
            why = getattr(error, "strerror", None) or "it holds no list of links"
            raise DamagedRecord(
                self.file, f"{why}, so no link opens the page: new ones are to be made"
            ) from None

    def whose(self, token: str | None) -> Link | None:
        """The link that holds a secret, revoked or not; None when none does, or the file can't be read."""
        if not token:
            return None
        now = self._stamp()
        if now != self._seen:
            try:
                links = self.links()
            except DamagedRecord:  # lets nobody in
                links = ()
            self._seen, self._by_digest = now, {link.digest: link for link in links}
        return self._by_digest.get(_digest(token))

    def add(self, names: Iterable[str]) -> dict[str, str]:
        """Make links; the secret of each, which nobody can read again, by name.

        Raises:
            UsageError: a name is none, or has a link that is not revoked; then none is made.
            DamagedRecord: the file can't be read.
        """
        made: dict[str, str] = {}
        with self._alone():
            links = list(self.links())
            for name in map(str.strip, names):
                if not name or len(name) > MOST or not name.isprintable():
                    raise UsageError(f"{name!r} is no name of an annotator: 1 to {MOST} printable characters")
                if any(link.name == name and link.revoked is None for link in links):
                    raise UsageError(f"{name} has a link already, which is shown once: revoke it first")
                made[name] = secret.make()
                links.append(Link(name=name, digest=_digest(made[name]), added=datetime.now(UTC)))
            self._write(links)
        return made

    def revoke(self, names: Iterable[str]) -> None:
        """Have links open nothing any more.

        Raises:
            UsageError: a name has no link; then none is revoked.
            DamagedRecord: the file can't be read.
        """
        with self._alone():
            links = list(self.links())
            for name in map(str.strip, names):
                rows = [n for n, link in enumerate(links) if link.name == name and link.revoked is None]
                if not rows:
                    raise UsageError(f"{name} has no link that could be revoked")
                for row in rows:
                    links[row] = links[row].model_copy(update={"revoked": datetime.now(UTC)})
            self._write(links)

    def _alone(self) -> AbstractContextManager[None]:
        return alone(self._folder, wait=True, lock=".annotators.lock")

    def _write(self, links: list[Link]) -> None:
        rows = json.loads(_LINKS.dump_json(tuple(links)))
        secret.write_private(self.file, json.dumps(rows, indent=1) + "\n")

    def _stamp(self) -> object:
        """What is another one when the file was replaced, as it is by each change."""
        try:
            found = self.file.stat()
        except OSError:
            return ()
        return found.st_ino, found.st_mtime_ns, found.st_size


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
