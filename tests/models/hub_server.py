"""A host on this machine that hands out files as the Hugging Face Hub does: a tree, and parts of files."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

SHA = "0" * 40


@contextmanager
def hub(folder: Path, repository: str):
    """The files of a folder as those of a data set; yields the environment by which the host is found."""

    class Handler(_Handler):
        root, name = folder, repository

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield {
            "HF_ENDPOINT": f"http://127.0.0.1:{server.server_address[1]}",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_XET": "1",
        }
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    root: Path
    name: str
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        api, files = f"/api/datasets/{self.name}", f"/datasets/{self.name}/resolve/"
        if path.startswith(f"{api}/tree/"):
            below = path.removeprefix(f"{api}/tree/").partition("/")[2]
            recursive = parse_qs(urlsplit(self.path).query).get("recursive", ["false"])[0].lower() == "true"
            folder = self.root / below
            if not folder.is_dir():
                self._answer(404, {"error": "not there"}, "EntryNotFound")
                return
            found = folder.rglob("*") if recursive else folder.glob("*")
            self._answer(200, [self._about(each) for each in sorted(found)])
        elif path == api or path.startswith(f"{api}/revision/"):
            self._answer(200, {"id": self.name, "sha": SHA, "private": False, "siblings": [], "tags": []})
        elif path.startswith(files):
            self._file(self.root / path.removeprefix(files).partition("/")[2])
        else:
            self._answer(404, {"error": "Repository not found"}, "RepoNotFound")

    do_HEAD = do_GET  # noqa: N815 - the name that the class of the library asks for

    def do_POST(self) -> None:
        told = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        wanted = json.loads(told)["paths"] if told.startswith("{") else parse_qs(told)["paths"]
        there = [self.root / each for each in ([wanted] if isinstance(wanted, str) else wanted)]
        self._answer(200, [self._about(each) for each in there if each.exists()])

    def log_message(self, format: str, *words: object) -> None:
        """Say nothing."""

    def _about(self, file: Path) -> dict[str, object]:
        kind = "directory" if file.is_dir() else "file"
        size = 0 if file.is_dir() else file.stat().st_size
        return {"type": kind, "path": file.relative_to(self.root).as_posix(), "oid": SHA, "size": size}

    def _file(self, file: Path) -> None:
        if not file.is_file():
            self._answer(404, {"error": "not there"}, "EntryNotFound")
            return
        data, status = file.read_bytes(), 200
        headers = {"ETag": f'"{SHA}"', "X-Repo-Commit": SHA, "Accept-Ranges": "bytes"}
        if wanted := self.headers.get("Range"):
            first, last = wanted.removeprefix("bytes=").split("-")
            end = min(int(last or len(data)), len(data) - 1)
            headers["Content-Range"] = f"bytes {first}-{end}/{len(data)}"
            data, status = data[int(first) : end + 1], 206
        self._send(status, data, headers)

    def _answer(self, status: int, said: object, code: str | None = None) -> None:
        headers = {"Content-Type": "application/json"} | ({"X-Error-Code": code} if code else {})
        self._send(status, json.dumps(said).encode(), headers)

    def _send(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(data))}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
