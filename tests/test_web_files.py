"""What an address in somebody's table may lead to: no more than may be, and no cloud's passwords."""

import contextlib
import gzip
import itertools
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ncenet import addresses
from ncenet.data.shard_files import fetched
from ncenet.data.shards import ShardedPool
from ncenet.errors import DataError, UnreadableImage
from tests.data.make import jpeg

pytest.importorskip("aiohttp")
KEEPERS = ("169.254.169.254", "[fe80::1]", "[fd00:ec2::254]", "[::ffff:169.254.169.254]", "100.100.100.200")


@contextlib.contextmanager
def answering(body=b"", headers=(), status=200):
    """A server of one answer, and what it was asked for; an iterator goes on until nobody listens."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):
                for part in [body] if isinstance(body, bytes) else body:
                    self.wfile.write(part)

        def log_message(self, *_):
            """Quietly."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()


@pytest.mark.parametrize("host", KEEPERS)
def test_where_clouds_keep_passwords_nothing_is_read(host):
    with pytest.raises(DataError, match="keep their passwords, and nothing is read from there"):
        addresses.read_bytes(f"http://{host}/latest/meta-data/", most=1000)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_nor_where_somebody_leads_there(status):
    there = [("Location", "http://169.254.169.254/latest/")]
    with answering(status=status, headers=there) as (url, asked), pytest.raises(DataError) as refused:
        addresses.read_bytes(f"{url}/a.jpg", most=1000)
    assert str(refused.value).startswith(f"{url}/a.jpg: leads to where machines of a cloud keep")
    assert asked == ["/a.jpg"]


def test_nor_by_another_name(monkeypatch):
    real = socket.getaddrinfo

    def lookup(host, port, *more, **options):
        return real("169.254.169.254" if host == "harmless.example" else host, port, *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    with pytest.raises(DataError, match="keep their passwords"):
        addresses.read_bytes("http://harmless.example/a.jpg", most=1000)


def test_what_is_packed_counts_by_what_it_becomes():
    bomb = gzip.compress(bytes(50_000_000))
    with answering(bomb, [("Content-Encoding", "gzip")]) as (url, _), pytest.raises(DataError) as refused:
        addresses.read_bytes(f"{url}/a.jpg", most=1_000_000)
    assert str(refused.value) == f"{url}/a.jpg: more than 1,000,000 bytes"


def test_an_answer_without_end_is_not_read_to_it():
    with answering(itertools.repeat(bytes(100_000))) as (url, _), pytest.raises(DataError) as refused:
        addresses.read_bytes(f"{url}/a.jpg", most=1_000_000)
    assert str(refused.value) == f"{url}/a.jpg: more than 1,000,000 bytes"


@pytest.mark.parametrize(
    "scheme", ["file", "local", "memory", "ftp", "ssh", "sftp", "git", "zip", "reference", "dask"]
)
def test_a_table_names_nothing_by_other_schemes(scheme):
    with pytest.raises(DataError, match=f"and none by {scheme}$"):
        fetched(f"{scheme}:///etc/passwd")


def test_such_rows_are_images_that_cannot_be_read_and_the_others_are(tmp_path):
    (tmp_path / "a.jpg").write_bytes(jpeg(1))
    rows = [
        "a.jpg",
        "file:///etc/passwd",
        "http://169.254.169.254/a.jpg",
        "/etc/passwd",
        "../../../etc/shadow",
    ]
    pq.write_table(pa.table({"image": rows}), tmp_path / "list.parquet")
    pool = ShardedPool(str(tmp_path / "list.parquet"))
    assert pool.read("list/00000") == jpeg(1)
    for id in ("list/00001", "list/00002"):
        with pytest.raises(UnreadableImage):
            pool.read(id)
    with pytest.raises(UnreadableImage) as refused:
        pool.probe("list/00003")
    assert "root" not in str(refused.value), "nothing of a file that is no image is quoted"


def test_a_table_of_the_web_names_no_file_of_this_machine():
    assert addresses.beside("http://h:8/x/list.parquet", "/etc/passwd") == "http://h:8/etc/passwd"
    assert addresses.beside("hf://datasets/o/n/list.parquet", "/etc/passwd") == "hf://datasets/etc/passwd"
    assert addresses.beside("s3://mine/list.parquet", "/photos/a.jpg") == "/photos/a.jpg"
