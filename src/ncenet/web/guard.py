"""The guard at the door: who may talk to the page at all.

A page on this machine can be reached by any other page in the same browser, by servers on other ports that
the browser takes for the same site, and by other users of the machine. So everything that tells or changes
something needs a secret token, which the browser sends to nobody by itself: it is no cookie, but lies in the
memory of our page's own tab. The Host of a request must be a name of ours, which defeats DNS rebinding; what
changes something must come from our own page; and what is sent back may run no script but ours.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, quote

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ncenet.doors import secret
from ncenet.doors.annotators import Annotators, Link
from ncenet.doors.bodies import answer, page, refuse_long, too_long, whole
from ncenet.doors.connections import let_in
from ncenet.doors.names import Names
from ncenet.doors.public import PublicUrl
from ncenet.errors import UsageError
from ncenet.text_files import read_whole

MAX_BODY = 1_000_000
"""Bytes of a request; a hundred answers take 30,000."""
SAFE_METHODS = frozenset({"GET", "HEAD"})
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
"""Sent with every answer."""
_NO_TOKEN = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>ncenet</title>
<h1>This link does not open the page</h1>
<p>The link holds a token, and here it is missing, revoked or not the right one. Open the link that
<code>ncenet label</code> printed when it was started, or ask whoever started it to send it to you again.</p>
</html>
"""
NEWS = "/api/events"
WHO = "ncenet.who"
REVOKED = "this link was revoked: ask whoever runs the page for another one"
OPEN_THE_LINK = "open the link that ncenet label printed: it holds the token that is missing here"


def token_of(folder: Path) -> str:
    """The token of a run: made at first, then the same, so that a page outlives a restart of its server.

    Args:
        folder: the run folder; the token lies in a file that only its owner can read. Remove it for another.

    Raises:
        UsageError: the file holds no token, as one that a full disk cut off; or others can read it.
    """
    file = folder / "page-token"
    if not file.exists():
        secret.write_private(file, secret.make())
    try:
        token = read_whole(file, most=10_000).decode(errors="replace")
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}; remove it for a new token") from error
    made = secret.checked_secret(token.strip(), str(file))
    secret.check_private(file)
    return made


class Guard:
    """Lets through what may pass, and refuses the rest with a sentence.

    The page itself is open to whoever comes by the right name: it is the program, and tells nothing.

    Args:
        app: what is guarded.
        token: the secret.
        names: under which the page is reached.
        public: where a proxy shows it, with a name that is among those; None when none does.
        annotators: whose links open the page too, each in one name; None when there are no links.

    Raises:
        UsageError: the token is none.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        token: str,
        names: Names,
        public: PublicUrl | None = None,
        annotators: Annotators | None = None,
    ) -> None:
        self._app, self._names, self._public = app, names, public
        self._token, self._annotators = secret.checked_secret(token, "the page"), annotators

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        inside = scope if self._public is None else self._public.within(scope)
        if inside is None:
            await answer(send, 308, "", HEADERS, [("location", _with_slash(scope))])
            return
        scope = inside
        refusal = self._refusal(scope, headers)
        if refusal is not None and refusal[0] == 401 and _looked_at(scope, headers):
            await page(send, 401, _NO_TOKEN, HEADERS)
        elif refusal is not None:
            await answer(send, *refusal, HEADERS)
        elif too_long(headers, MAX_BODY):
            await refuse_long(send, MAX_BODY, HEADERS)
        elif scope["path"] == "/" and _query_token(scope) is not None:
            # To the part of the address that stays in the browser; the page takes it from there.
            await answer(send, 303, "", HEADERS, [("location", f"./#token={_query_token(scope)}")])
        elif (token := self._token_in(scope, headers)) is None:
            await self._app(scope, receive, _dressed(send))
        elif (request := await whole(receive, MAX_BODY)) is None:
            await refuse_long(send, MAX_BODY, HEADERS)
        elif not self._opens(token):  # a link was revoked while its request came in
            await answer(send, 401, REVOKED, HEADERS)
        else:
            let_in(scope)
            link, passing = self._link(token), _dressed(send)
            if scope["path"] == NEWS:
                passing = self._while_it_holds(token, passing)
            await self._app({**scope, WHO: None if link is None else link.name}, request, passing)

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if len(headers.getlist("host")) != 1 or not self._names.hold(host):
            return 421, f"this page is not served under the name {host[:80]!r}"
        if not self._may_pass(scope, headers):
            revoked = any(self._link(token) for token in _tokens(scope, headers))
            return 401, REVOKED if revoked else OPEN_THE_LINK
        changes = scope["method"] not in SAFE_METHODS
        for origin in headers.getlist("origin") if changes else ():
            if not self._is_ours(origin, scope["scheme"], host):
                return 403, f"changes come from this page alone, not from {origin[:80]!r}"
        return None

    def _is_ours(self, origin: str, scheme: str, host: str) -> bool:
        """Whether a page of this origin is our page; a proxy passes the name on, or puts another there."""
        if self._public is None:
            return origin == f"{scheme}://{host}"
        direct = origin == f"{scheme}://{host}" and not Names([self._public.host]).hold(host)
        return direct or origin == self._public.origin

    def _may_pass(self, scope: Scope, headers: Headers) -> bool:
        if self._token_in(scope, headers) is not None:
            return True
        path = scope["path"]
        program = path.startswith("/assets/") or (path == "/" and _query_token(scope) is None)
        return program and scope["method"] in SAFE_METHODS

    def _token_in(self, scope: Scope, headers: Headers) -> str | None:
        """The secret by which a request is let in; None when it holds none."""
        return next((token for token in _tokens(scope, headers) if self._opens(token)), None)

    def _opens(self, token: str) -> bool:
        if secret.same(token, self._token):
            return True
        link = self._link(token)
        return link is not None and link.revoked is None

    def _link(self, token: str) -> Link | None:
        return None if self._annotators is None else self._annotators.whose(token)

    def _while_it_holds(self, token: str, send: Send) -> Send:
        """Send as long as a secret lets in: the news would go on when its link was revoked."""
        over = False

        async def pass_on(message: Message) -> None:
            nonlocal over
            if over:
                return
            over = message["type"] == "http.response.body" and not self._opens(token)
            await send({"type": "http.response.body", "body": b""} if over else message)

        return pass_on


def _tokens(scope: Scope, headers: Headers) -> list[str]:
    """The secrets that a request holds where it may."""
    found = [headers.get("authorization", "").removeprefix("Bearer ")]
    # The link, a picture and a stream are asked for by their address alone.
    path, read = scope["path"], scope["method"] in SAFE_METHODS
    if read and (path in ("/", NEWS) or path.startswith(("/images/", "/files/"))):
        found.append(_query_token(scope) or "")
    return found


def who_of(scope: Scope) -> str | None:
    """In whose name a request was let in; None where it may name its annotator itself."""
    who: str | None = scope.get(WHO)
    return who


def _dressed(send: Send) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {name for name, _ in message["headers"]}
            more = [(k.encode(), v.encode()) for k, v in HEADERS.items() if k.encode() not in own]
            if b"cache-control" not in own:
                more.append((b"cache-control", b"no-store"))
            message["headers"] = [*message["headers"], *more]
        await send(message)

    return with_headers


def _with_slash(scope: Scope) -> str:
    """The last step of an address with a slash after it, as seen from that address."""
    query = scope["query_string"].decode("latin-1")
    return quote(scope["path"].rpartition("/")[2]) + "/" + (f"?{query}" if query else "")


def _looked_at(scope: Scope, headers: Headers) -> bool:
    """Whether somebody opened the address in a browser, to whom JSON says nothing."""
    return scope["method"] == "GET" and "text/html" in headers.get("accept", "")


def _query_token(scope: Scope) -> str | None:
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return None if "token" not in query else query["token"][0] if len(query["token"]) == 1 else ""
