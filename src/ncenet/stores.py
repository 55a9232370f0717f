"""Stores of objects: how they are opened, and what their refusals mean.

======================================  ==============================================================
an address                              is read by
======================================  ==============================================================
``photos/a.parquet``                    the operating system
``s3://bucket/...``, ``gs://...``       pyarrow, with the credentials that the tools of that store use
``hf://...``, ``https://...``, others   fsspec, with whatever package it asks for
======================================  ==============================================================
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from ncenet.errors import DataError, MissingExtra, NcenetError, Unreachable, UsageError
from ncenet.tables import pyarrow
from ncenet.web_files import INSIDE, session

CONNECT_SECONDS, REQUEST_SECONDS, ATTEMPTS = 5, 60, 3
"""How long a store may take to answer, and how often it is asked (ours)."""
GIVE_UP_SECONDS = 15
"""The same of ``gs://``, where it is a time (ours)."""
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+://")
_SILENT = "the store does not answer: is the network there, and AWS_ENDPOINT_URL (of s3://) right?"
_REFUSED = (
    (
        r"ACCESS_DENIED|INVALID_ACCESS_KEY|SIGNATURE|InvalidAccessKeyId|SignatureDoesNotMatch|[Ff]orbidden|"
        r"\b40[13]\b|UNRECOGNIZED_CLIENT|InvalidToken|EXPIRED_TOKEN",
        "the store refuses these credentials, or they may not do this; for s3:// they come from "
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    ),
    (r"NO_SUCH_BUCKET|NoSuchBucket|bucket does not exist", "there is no such bucket, or it is gone"),
    (
        r"curlCode|NETWORK_CONNECTION|[Cc]onnection|[Tt]imed? ?out|[Cc]onnect to|"
        r"UNAVAILABLE|[Cc]ould not resolve|[Nn]ame or service not known|name resolution",
        _SILENT,
    ),
)
"""What a store says when nothing at all can be had of it, and what it means."""
_NO_FILE = r"[Pp]ath does not exist|NO_SUCH_KEY|RESOURCE_NOT_FOUND|NotFound|No such file|^https?://\S+$"
"""What is said of a file that is not there; of one behind HTTP, its address alone."""
WEB = ("http", "https")
NAMED = frozenset({*WEB, "s3", "gs", "gcs", "hf", "az", "abfs", "abfss", "oss"})
"""Schemes that an address within a table may have. The table may be a stranger's: those that read files of
this machine, log in or run a program (``file``, ``ssh``, ``git``) count only where the user types them."""


def is_remote(address: str) -> bool:
    """Whether an address has a scheme, so that it is not a path of this machine.

    >>> is_remote("s3://bucket/a.parquet"), is_remote("C:/a.parquet"), is_remote("a.parquet")
    (True, False, False)
    """
    return _SCHEME.match(address) is not None


@contextmanager
def reasons(address: str) -> Iterator[None]:
    """What a store or the operating system refuses in the block becomes one sentence about an address.

    Raises:
        Unreachable: nothing can be had of the store: wrong credentials, no such bucket, no answer.
        DataError: something else was refused.
    """
    try:
        yield
    except NcenetError:
        raise
    except Exception as error:
        if not isinstance(error, OSError) and type(error).__module__.split(".")[0] not in _STORES:
            raise
        said = " ".join(str(error).split())
        if INSIDE in said:
            raise DataError(f"{address}: {INSIDE}") from error
        if not is_remote(address) and isinstance(error, OSError) and error.strerror:
            raise DataError(f"{address}: cannot be read or written: {error.strerror}") from error
        if is_remote(address):
            for pattern, why in _REFUSED:
                if re.search(pattern, said):
                    raise Unreachable(f"{address}: {why}", silent=why == _SILENT) from error
        told = said[:300] or type(error).__name__
        if re.search(_NO_FILE, said):
            bucket = address.startswith(("s3://", "gs://"))
            told = "there is no such file" + (", or its bucket is gone" if bucket else "")
        raise DataError(f"{address}: {told}") from error


_STORES = (
    "pyarrow",
    "fsspec",
    "botocore",
    "aiobotocore",
    "s3fs",
    "gcsfs",
    "huggingface_hub",
    "aiohttp",
    "httpx",
    "httpcore",
    "requests",
)
"""Packages whose errors are about a store."""


def opened(address: str) -> tuple[Any, str]:
    """The store of an address, and the path in it."""
    parts = urlsplit(address)
    settings = tuple(os.environ.get(name) for name in _SETTINGS)
    with reasons(address):
        store = _store(parts.scheme, settings)
    # Not by `parts`: a question mark or a hash may be part of a name.
    path = address if parts.scheme in WEB else address.split("://", 1)[1]
    return store, path.rstrip("/")


_SETTINGS = (
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "STORAGE_EMULATOR_HOST",
)


@lru_cache(maxsize=8)
def _store(scheme: str, settings: tuple[str | None, ...]) -> Any:
    """What reads and writes under a scheme; one for each set of credentials."""
    if scheme in ("s3", "gs", "gcs"):
        try:
            fs = pyarrow(f"{scheme}:// addresses").fs
        except MissingExtra:
            raise MissingExtra(f"{scheme}:// addresses", "s3", "50 MB") from None
        named = dict(zip(_SETTINGS, settings, strict=True))
        if scheme != "s3":
            own = named["STORAGE_EMULATOR_HOST"]  # the name that Google's own clients look for
            where: dict[str, Any] = {}
            if own:
                plain, _, host = own.rpartition("://")
                where = {"anonymous": True, "scheme": plain or "http", "endpoint_override": host.rstrip("/")}
            return fs.GcsFileSystem(retry_time_limit=timedelta(seconds=GIVE_UP_SECONDS), **where)
        endpoint = named["AWS_ENDPOINT_URL_S3"] or named["AWS_ENDPOINT_URL"]
        region = named["AWS_REGION"] or named["AWS_DEFAULT_REGION"]
        return fs.S3FileSystem(
            endpoint_override=endpoint,
            region=region or ("us-east-1" if endpoint else None),
            connect_timeout=CONNECT_SECONDS,
            request_timeout=REQUEST_SECONDS,
            retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
        )
    fs = pyarrow(f"{scheme}:// addresses").fs
    return fs.PyFileSystem(fs.FSSpecHandler(by_fsspec(scheme)))


def by_fsspec(scheme: str) -> Any:
    """What reads under a scheme that pyarrow leaves to others."""
    try:
        import fsspec

        if scheme in WEB:
            return fsspec.filesystem(scheme, get_client=session)
        return fsspec.filesystem(scheme)
    except ValueError as error:
        raise UsageError(f"{scheme}://: no store of this name is known: {error}") from error
    except ImportError as error:
        raise UsageError(f"{scheme}:// addresses need a package that is not installed: {error}") from error
