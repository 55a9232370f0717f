"""The part of Label Studio's REST interface that queries and answers need; the standard library alone."""

from __future__ import annotations

import json
import re
import secrets
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from http.client import HTTPException, IncompleteRead
from typing import Any
from urllib.parse import urlencode, urlsplit

from ncenet.errors import DataError, UsageError
from ncenet.text_files import load_json

SECONDS = 60
"""How long to wait for an answer; an upload of many images takes a while to be taken in."""
PAGE = 100
LARGEST = 256 * 2**20
"""Bytes of an answer (ours): a page of a hundred tasks, each with a thousand boxes, has 30 million."""


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nobody: urllib would send the token along, to whatever host the answer names."""

    def redirect_request(self, *_: Any) -> None:
        """None has the redirect be an error."""


_OPENER = urllib.request.build_opener(_Stay)


class Client:
    """One Label Studio server.

    Args:
        url: its address, such as ``http://localhost:8080``.
        key: an access token of its page *Account & Settings*, personal (which has two dots) or legacy.
        largest: bytes of an answer that are read at most.

    Raises:
        UsageError: the address is none of the web.
        DataError: the server is not there, refuses the token, or leads elsewhere: the token goes to this
            address alone.
    """

    def __init__(self, url: str, key: str, *, largest: int = LARGEST) -> None:
        if not _is_of_the_web(url):
            raise UsageError(
                f"{_unnamed(url)!r} is no address of a Label Studio, as http://localhost:8080 is"
            )
        key = key.strip()
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            raise UsageError("the access token holds blanks, or characters that none has, or nothing at all")
        self.url = url.rstrip("/")
        self._key, self._largest = key, largest
        self._personal = key.count(".") == 2
        self._authorization = "" if self._personal else f"Token {key}"

    def create_project(self, title: str, label_config: str) -> int:
        """Make a project whose next task is the one with the lowest prediction score, and give its number.

        Predictions are not shown to annotators unless they ask.
        """
        settings = {
            "title": title[:50],
            "label_config": label_config,
            "sampling": "Uncertainty sampling",
            "show_collab_predictions": False,
        }
        return int(self._call("POST", "/api/projects/", settings, has={"id": int})["id"])

    def project(self, project: int) -> dict[str, Any]:
        """Settings of a project."""
        found: dict[str, Any] = self._call("GET", f"/api/projects/{project}/", has={"label_config": str})
        return found

    def use_predictions(self, project: int, version: str) -> None:
        """Have the next task follow the predictions of this version."""
        self._call("PATCH", f"/api/projects/{project}/", {"model_version": version})

    def upload(self, project: int, name: str, data: bytes) -> str:
        """Upload an image, and give the address by which a task names it."""
        path = f"/api/projects/{project}/import?commit_to_project=false"
        answer = self._call("POST", path, files={name: data}, has={"file_upload_ids": list})
        if len(answer["file_upload_ids"]) != 1:
            raise DataError(f"{self.url}: made {len(answer['file_upload_ids'])} files of one")
        path = f"/api/import/file-upload/{answer['file_upload_ids'][0]}"
        return f"/data/{self._call('GET', path, has={'file': str})['file']}"

    def add_tasks(self, project: int, tasks: Sequence[Mapping[str, Any]]) -> None:
        """Enter tasks, with their predictions."""
        self._call("POST", f"/api/projects/{project}/import", tasks)

    def fetch_predictions(self, project: int) -> None:
        """Have the server ask its ML backend about every task."""
        path = f"/api/dm/actions?id=retrieve_tasks_predictions&project={project}"
        self._call("POST", path, {"selectedItems": {"all": True, "excluded": []}})

    def add_prediction(self, task: int, prediction: Mapping[str, Any]) -> None:
        """Add a prediction to a task that is there."""
        self._call("POST", "/api/predictions/", {"task": task, **prediction})

    def tasks(self, project: int) -> Iterator[dict[str, Any]]:
        """All tasks of a project, with their annotations."""
        page, seen, total = 1, 0, 1
        while seen < total:
            query = urlencode({"project": project, "page": page, "page_size": PAGE, "fields": "all"})
            answer = self._call("GET", f"/api/tasks/?{query}", has={"tasks": list, "total": int})
            found, total = answer["tasks"], answer["total"]
            if not found and seen < total:
                raise DataError(f"{self.url}: says that there are {total} tasks, and gives {seen} of them")
            for task in found:
                yield _task(task, f"{self.url}: gives a task")
            page, seen = page + 1, seen + len(found)

    def task(self, number: int) -> dict[str, Any]:
        """One task."""
        path = f"/api/tasks/{number}/"
        return _task(self._call("GET", path), f"{self.url}: answers GET {path}")

    def users(self) -> dict[int, str]:
        """Names of the annotators, their mail addresses, by number."""
        found = self._call("GET", "/api/users/")
        if not isinstance(found, list):
            raise DataError(f"{self.url}: answers GET /api/users/ with no list")
        users = [_fields(user, {"id": int}, f"{self.url}: a user") for user in found]
        return {user["id"]: str(user.get("email") or user.get("username") or user["id"]) for user in users}

    def _call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        files: Mapping[str, bytes] | None = None,
        has: Mapping[str, type] | None = None,
    ) -> Any:
        if self._personal and not self._authorization:
            self._refresh()
        status, text = self._send(method, path, body, files)
        if status == 401 and self._personal:
            self._refresh()
            status, text = self._send(method, path, body, files)
        said = text[:500].decode(errors="replace")
        if status == 401:
            raise DataError(f"{self.url}: refuses the token: {said}; make one on its page Account & Settings")
        if status >= 400:
            raise DataError(f"{self.url}: {method} {path} failed with {status}: {said}")
        where = f"{self.url}: answers {method} {path}"
        answer = _json(text or b"null", where)
        return answer if has is None else _fields(answer, has, where)

    def _refresh(self) -> None:
        """A personal token is good for fetching short-lived ones, which last some minutes."""
        self._authorization = ""
        status, text = self._send("POST", "/api/token/refresh/", {"refresh": self._key}, None)
        if status != 200:
            said = text[:500].decode(errors="replace")
            raise DataError(f"{self.url}: refuses the personal token: {said}")
        where = f"{self.url}: answers for the personal token"
        access = _fields(_json(text, where), {"access": str}, where)["access"]
        if not access.isascii() or not access.isprintable():
            raise DataError(f"{where} with one that no header can hold")
        self._authorization = f"Bearer {access}"

    def _send(
        self, method: str, path: str, body: object, files: Mapping[str, bytes] | None
    ) -> tuple[int, bytes]:
        headers = {"Accept": "application/json"}
        if self._authorization:
            headers["Authorization"] = self._authorization
        data = None
        if files is not None:
            headers["Content-Type"], data = _multipart(files)
        elif body is not None:
            headers["Content-Type"], data = "application/json", json.dumps(body).encode()
        try:
            request = urllib.request.Request(self.url + path, data, headers, method=method)
            with _OPENER.open(request, timeout=SECONDS) as answer:
                text = answer.read(self._largest + 1)
                if len(text) > self._largest:
                    raise DataError(
                        f"{self.url}: answers {method} {path} with more than {self._largest:,} bytes"
                    )
                if answer.length:  # asked for so many at most, it doesn't say by itself that some are missing
                    raise IncompleteRead(text, answer.length)
                return answer.status, text
        except urllib.error.HTTPError as error:
            if 300 <= error.code < 400:
                there = error.headers.get("location", "nowhere")
                raise DataError(
                    f"{self.url}: leads to {there[:200]}, and the token goes nowhere else: if that is your "
                    "server, give its address as `url`"
                ) from None
            return error.code, error.read(self._largest)
        except (OSError, ValueError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise DataError(f"{self.url}: no Label Studio answers there: {reason}") from error


def _is_of_the_web(url: str) -> bool:
    """Whether it is an address without a name and password in it, which would stand in files and messages."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc


def _unnamed(url: str) -> str:
    """An address as it may be shown: a password that somebody wrote into it is nobody's business."""
    return re.sub(r"(//)[^/@]*@", r"\1...@", url)[:200]


def _json(text: bytes, where: str) -> Any:
    try:
        return load_json(text.decode())
    except ValueError:  # what it is instead may be a whole page
        raise DataError(f"{where} with something else than JSON") from None


def _fields(record: Any, has: Mapping[str, type], where: str) -> Any:
    """A record, made sure to have these fields, each of this type.

    Raises:
        DataError: it hasn't; names the first that is missing.
    """
    for name, kind in has.items():
        value = record.get(name) if isinstance(record, Mapping) else None
        if not isinstance(value, kind) or isinstance(value, bool):
            raise DataError(
                f"{where} without {name!r} as Label Studio has it: is that one, of a version 1.x?"
            )
    return record


def _task(record: Any, where: str) -> dict[str, Any]:
    """A task with its data, and with lists of objects where it has lists."""
    task: dict[str, Any] = _fields(record, {"id": int, "data": dict}, where)
    for name in ("annotations", "predictions"):
        listed = task.get(name) or []
        if not isinstance(listed, list) or not all(isinstance(each, Mapping) for each in listed):
            raise DataError(f"{where}, {task['id']}, whose {name} are no list of objects")
    return task


def _multipart(files: Mapping[str, bytes]) -> tuple[str, bytes]:
    """Content type and body of an upload; the names are ours and harmless."""
    boundary = secrets.token_hex(16)
    parts = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n".encode()
        + data
        + b"\r\n"
        for name, data in files.items()
    )
    return f"multipart/form-data; boundary={boundary}", parts + f"--{boundary}--\r\n".encode()
