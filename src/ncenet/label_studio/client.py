"""The part of Label Studio's REST interface that queries and answers need; the standard library alone."""

from __future__ import annotations

import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit

from ncenet.errors import DataError, UsageError

SECONDS = 60
"""How long to wait for an answer; an upload of many images takes a while to be taken in."""
PAGE = 100


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

    Raises:
        UsageError: the address is none of the web.
        DataError: the server is not there, refuses the token, or leads elsewhere: the token goes to this
            address alone.
    """

    def __init__(self, url: str, key: str) -> None:
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise UsageError(f"{url!r} is no address of a Label Studio, as http://localhost:8080 is")
        self.url = url.rstrip("/")
        self._key = key
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
        return int(self._call("POST", "/api/projects/", settings)["id"])

    def project(self, project: int) -> dict[str, Any]:
        """Settings of a project."""
        settings: dict[str, Any] = self._call("GET", f"/api/projects/{project}/")
        return settings

    def use_predictions(self, project: int, version: str) -> None:
        """Have the next task follow the predictions of this version."""
        self._call("PATCH", f"/api/projects/{project}/", {"model_version": version})

    def upload(self, project: int, name: str, data: bytes) -> str:
        """Upload an image, and give the address by which a task names it."""
        answer = self._call(
            "POST", f"/api/projects/{project}/import?commit_to_project=false", files={name: data}
        )
        (number,) = answer["file_upload_ids"]
        return f"/data/{self._call('GET', f'/api/import/file-upload/{number}')['file']}"

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
            answer = self._call("GET", f"/api/tasks/?{query}")
            yield from answer["tasks"]
            page, seen, total = page + 1, seen + max(1, len(answer["tasks"])), answer["total"]

    def task(self, number: int) -> dict[str, Any]:
        """One task."""
        found: dict[str, Any] = self._call("GET", f"/api/tasks/{number}/")
        return found

    def users(self) -> dict[int, str]:
        """Names of the annotators, their mail addresses, by number."""
        return {
            user["id"]: user.get("email") or user["username"] for user in self._call("GET", "/api/users/")
        }

    def _call(
        self, method: str, path: str, body: object = None, *, files: Mapping[str, bytes] | None = None
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
        try:
            return json.loads(text or b"null")
        except ValueError:
            raise DataError(f"{self.url}: answers {method} {path} with something else than JSON") from None

    def _refresh(self) -> None:
        """A personal token is good for fetching short-lived ones, which last some minutes."""
        self._authorization = ""
        status, text = self._send("POST", "/api/token/refresh/", {"refresh": self._key}, None)
        if status != 200:
            said = text[:500].decode(errors="replace")
            raise DataError(f"{self.url}: refuses the personal token: {said}")
        self._authorization = f"Bearer {json.loads(text)['access']}"

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
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            if 300 <= error.code < 400:
                there = error.headers.get("location", "nowhere")
                raise DataError(
                    f"{self.url}: leads to {there[:200]}, and the token goes nowhere else: if that is your "
                    "server, give its address as `url`"
                ) from None
            return error.code, error.read()
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise DataError(f"{self.url}: no Label Studio answers there: {reason}") from error


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
