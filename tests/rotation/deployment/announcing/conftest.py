"""A receiver of events on loopback that notes every post."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from werkzeug import Request, Response

from rotation_testkit.doubles.serving import serve

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


@dataclass
class Receiver:
    """A web server.

    Attributes:
        url: where it listens.
        status: what it answers.
        posts: headers and body of every post.
    """

    url: str = ""
    status: int = 204
    posts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> object:
        """Serve one request."""
        request = Request(environ)
        assert (request.method, request.path) == ("POST", "/hook")
        self.posts.append(({name.lower(): value for name, value in request.headers}, request.get_data()))
        location = {"Location": "/elsewhere"} if self.status == 302 else {}
        return Response(status=self.status, headers=location)(environ, start)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Yield a receiver that listens."""
    made = Receiver()
    with serve(made) as base:  # type: ignore[arg-type]  # werkzeug's answers are WSGI's
        made.url = f"{base}/hook"
        yield made
