"""A Label Studio in memory: the part of its REST interface that is used, with the shapes that 1.23 has."""

from __future__ import annotations

import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TOKEN = "0123456789abcdef"
OWN = """
<View>
  <Image name="photo" value="$picture"/>
  <Choices name="light" toName="photo"><Choice value="day"/><Choice value="night"/></Choices>
  <Choices name="animal" toName="photo"><Choice value="bee"/><Choice value="ant"/></Choices>
</View>
"""
"""The labelling page of a project that somebody made: its own names, and a second question."""
ANN = {"id": 7, "username": "", "email": "ann@example.org"}
STAMP = "2026-11-24T16:42:14.{:06}Z"


class FakeLabelStudio:
    """What the server holds; tests read and change it."""

    def __init__(self) -> None:
        self.projects: dict[int, dict] = {}
        self.uploads: dict[int, bytes] = {}
        self.tasks: dict[int, dict] = {}
        self.calls: list[str] = []
        self.access = self.valid = TOKEN
        """The short token that it hands out, and the one that it takes."""

    def annotate(
        self, id: str, *classes: str, who: int = 7, cancelled: bool = False, more: tuple[dict, ...] = ()
    ) -> None:
        """What an annotator does with the task of an image; ``more`` are answers to other questions."""
        task = next(task for task in self.tasks.values() if task["data"]["ncenet_id"] == id)
        chosen = {
            "from_name": "class",
            "to_name": "image",
            "type": "choices",
            "value": {"choices": [*classes]},
        }
        number = sum(len(each["annotations"]) for each in self.tasks.values()) + 1
        task["annotations"].append(
            {"id": number, "result": [*more, *([chosen] if classes else [])], "was_cancelled": cancelled,
             "completed_by": who, "updated_at": STAMP.format(number)}
        )  # fmt: skip

    def next_task(self, project: int) -> str:
        """Image of the next task under uncertainty sampling: lowest score of the project's version."""
        version = self.projects[project]["model_version"]
        open_tasks = [
            (prediction["score"], task["data"]["ncenet_id"])
            for task in self.tasks.values()
            for prediction in task["predictions"]
            if not task["annotations"] and prediction["model_version"] == version
        ]
        return min(open_tasks)[1]

    def answer(self, method: str, path: str, query: dict, body: bytes, kind: str):
        """Status and JSON of a request."""
        self.calls.append(f"{method} {path}")
        if path == "/api/users/":
            return 200, [ANN]
        if path == "/api/token/refresh/":
            return 200, {"access": self.access}
        if (method, path) == ("POST", "/api/projects/"):
            number = len(self.projects) + 1
            self.projects[number] = {"id": number, "model_version": "", **json.loads(body)}
            return 201, self.projects[number]
        if found := re.fullmatch(r"/api/projects/(\d+)/", path):
            project = self.projects.get(int(found[1]))
            if project is None:
                return 404, {"detail": "No Project matches the given query."}
            project |= json.loads(body) if method == "PATCH" else {}
            return 200, project
        if re.fullmatch(r"/api/projects/\d+/import", path):
            if kind.startswith("multipart/form-data"):
                assert query["commit_to_project"] == ["false"]
                number = len(self.uploads) + 1
                self.uploads[number] = body.split(b"\r\n\r\n", 1)[1].rsplit(b"\r\n--", 1)[0]
                return 201, {"file_upload_ids": [number]}
            for task in json.loads(body):
                number = len(self.tasks) + 1
                self.tasks[number] = {"id": number, "annotations": [], **task}
            return 201, {"task_count": 1}
        if found := re.fullmatch(r"/api/import/file-upload/(\d+)", path):
            return 200, {"id": int(found[1]), "file": f"upload/1/{int(found[1]):08x}-x.jpg"}
        if path == "/api/tasks/":
            page, size = int(query["page"][0]), int(query["page_size"][0])
            tasks = list(self.tasks.values())
            return 200, {"tasks": tasks[(page - 1) * size : page * size], "total": len(tasks)}
        if path == "/api/predictions/":
            prediction = json.loads(body)
            self.tasks[prediction["task"]]["predictions"].append(prediction)
            return 201, prediction
        if path == "/api/dm/actions":
            return 200, {"processed_items": len(self.tasks)}
        return 404, {"detail": "Not found."}


@contextmanager
def serving(fake: FakeLabelStudio):
    """The address of the server while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            allowed = self.headers.get("Authorization") in (f"Token {TOKEN}", f"Bearer {fake.valid}")
            if allowed or parts.path == "/api/token/refresh/":
                kind = self.headers.get("Content-Type") or ""
                status, answer = fake.answer(self.command, parts.path, parse_qs(parts.query), body, kind)
            else:
                status, answer = 401, {"detail": "Invalid token."}
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = handle_one  # noqa: N815 - what http.server calls them

        def log_message(self, *_) -> None:
            """Quietly."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
