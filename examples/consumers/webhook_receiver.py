"""A web server that takes signed events and restarts Deployments in Kubernetes: the consumer of the job over KV.

It checks each post by the open specification Standard Webhooks, answers at once, and works afterwards. Commits are
gathered for some seconds, so that ten secrets of one Deployment restart it once. It needs the standard library only::

    ROUTES='{"shop/": ["shop/web"]}' WEBHOOK_KEY_FILE=/run/secrets/key python webhook_receiver.py
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import queue
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from kubernetes_restart import restart
from routes import targets_of

TOLERANCE_SECONDS = 300.0
"""How far a post's time may be away; an older one may be replayed by somebody who has recorded it."""
GATHER_SECONDS = 10.0
LONGEST_BODY = 65_536
_ATTEMPTS = 5


def problem(headers: Mapping[str, str], body: bytes, key: bytes, now: float) -> str | None:
    """Return why a post is refused, or ``None``: its signature must be right, and its time near."""
    event_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdecimal() or abs(int(timestamp) - now) > TOLERANCE_SECONDS:
        return "its time is missing or too far away"
    signed = base64.b64encode(hmac.digest(key, f"{event_id}.{timestamp}.".encode() + body, hashlib.sha256)).decode()
    given = headers.get("webhook-signature", "").split()
    if not any(hmac.compare_digest(f"v1,{signed}".encode(), each.encode()) for each in given):
        return "its signature is wrong"
    return None


def key_of(text: str) -> bytes:
    """Return the bytes of a key such as ``whsec_…``."""
    return base64.b64decode(text.strip().removeprefix("whsec_"), validate=True)


def work(
    events: queue.Queue[dict[str, Any]],
    routes: Mapping[str, list[str]],
    act: Callable[[str, datetime], str],
    gather: float = GATHER_SECONDS,
) -> None:
    """Take events for ever; restart each target of those that come within the gathering time once."""
    while True:
        batch, until = [events.get()], time.monotonic() + gather
        while (left := until - time.monotonic()) > 0:
            try:
                batch.append(events.get(timeout=left))
            except queue.Empty:
                break
        for target, at in targets_of(batch, routes).items():
            _restart(target, at, act)
        for _ in batch:
            events.task_done()


def _restart(target: str, at: datetime, act: Callable[[str, datetime], str]) -> None:
    for attempt in range(_ATTEMPTS):
        try:
            outcome = act(target, at)
        except Exception as error:  # noqa: BLE001 - the next attempt may succeed
            outcome = type(error).__name__
            time.sleep(min(2.0**attempt, 30.0) if attempt < _ATTEMPTS - 1 else 0.0)
        else:
            print(json.dumps({"target": target, "outcome": outcome}), flush=True)  # noqa: T201 - the log
            return
    print(json.dumps({"target": target, "outcome": outcome, "gave_up": True}), flush=True)  # noqa: T201 - the log


def handler_for(key: bytes, events: queue.Queue[dict[str, Any]]) -> type[BaseHTTPRequestHandler]:
    """Return the handler of a server with this key."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_POST(self) -> None:
            size = self.headers.get("Content-Length", "")
            if not size.isdecimal() or int(size) > LONGEST_BODY:
                self._answer(413)
                return
            body = self.rfile.read(int(size))
            if problem(self.headers, body, key, time.time()) is not None:
                self._answer(401)
                return
            events.put(json.loads(body))
            self._answer(204)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            del format, args

    return Handler


def main() -> None:
    """Serve until the process is stopped. TLS is the ingress's; the key is in a file."""
    routes = json.loads(os.environ["ROUTES"])
    key = key_of(Path(os.environ["WEBHOOK_KEY_FILE"]).read_text(encoding="utf-8"))
    events: queue.Queue[dict[str, Any]] = queue.Queue()
    Thread(target=work, args=(events, routes, restart), daemon=True).start()
    address = ("0.0.0.0", int(os.environ.get("PORT", "8080")))  # noqa: S104 - a pod's own network
    ThreadingHTTPServer(address, handler_for(key, events)).serve_forever()


if __name__ == "__main__":
    main()
