"""Addresses under which a proxy shows us."""

from __future__ import annotations

import pytest

from ncenet.doors.public import PublicUrl
from ncenet.errors import UsageError


@pytest.mark.parametrize(
    ("url", "origin", "path"),
    [
        ("https://label.example.com", "https://label.example.com", "/"),
        ("https://label.example.com/", "https://label.example.com", "/"),
        ("https://label.example.com/pets", "https://label.example.com", "/pets/"),
        ("http://LABEL:80/a/b/", "http://label", "/a/b/"),
        ("https://label.example.com:8443/pets/", "https://label.example.com:8443", "/pets/"),
        ("https://[2001:db8::1]:8443/", "https://[2001:db8::1]:8443", "/"),
        ("https://bücher.example/", "https://xn--bcher-kva.example", "/"),
    ],
)
def test_an_address_is_read_as_browsers_send_it(url, origin, path):
    found = PublicUrl.parse(url)
    assert (found.origin, found.path, found.url) == (origin, path, origin + path)
    assert found.encrypted == url.startswith("https")


@pytest.mark.parametrize(
    "url",
    [
        "label.example.com/pets/",
        "ftp://label.example.com/",
        "https:///pets/",
        "https://label.example.com:port/",
        "https://ann@label.example.com/",
        "https://label.example.com/?a=b",
        "https://label.example.com/#token=x",
        "https://label.example.com/a/../b/",
        "https://label.example.com//b/",
        "",
    ],
)
def test_what_no_browser_could_open_is_refused(url):
    with pytest.raises(UsageError, match=r"the public address .+(is none|can't be read|proxies change)"):
        PublicUrl.parse(url)


@pytest.mark.parametrize(
    ("asked", "inside"),
    [
        ("/my pets/api/state", "/api/state"),  # the proxy passed the public path on
        ("/my pets/", "/"),
        ("/api/state", "/api/state"),  # the proxy took it off
        ("/", "/"),
        ("/my petsitter/api/state", "/my petsitter/api/state"),
        ("/my pets", None),
    ],
)
def test_the_public_path_is_taken_off_once(asked, inside):
    found = PublicUrl.parse("https://label.example.com/my%20pets/").within({"path": asked})
    assert (found and found["path"]) == inside
