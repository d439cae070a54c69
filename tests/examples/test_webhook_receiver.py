"""The example's receiver takes what Lockstep posts and nothing else, and restarts each Deployment once."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug import Request, Response

from rotation.core.clock import SystemClock
from rotation.core.errors import UnexpectedReply
from rotation.core.event import EventKind
from rotation.core.secret import Secret
from rotation.deployment.announcing.webhook import Webhook, signature
from rotation_testkit.doubles.hosts.certificate import Certificate
from rotation_testkit.doubles.serving import serve

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

KEY = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
"""The key of the specification's own example; it protects nothing."""
ANNOTATION = "kubectl.kubernetes.io/restartedAt"
PATH = "/apis/apps/v1/namespaces/shop/deployments/web"


@pytest.fixture
def receiver(consumer: Callable[[str], ModuleType]) -> ModuleType:
    """Return the example."""
    return consumer("webhook_receiver")


@pytest.fixture
def served(receiver: ModuleType) -> Iterator[tuple[str, queue.Queue[dict[str, Any]]]]:
    """Yield the address of a receiver that listens on loopback, and the queue of what it has taken."""
    events: queue.Queue[dict[str, Any]] = queue.Queue()
    server = ThreadingHTTPServer(("127.0.0.1", 0), receiver.handler_for(receiver.key_of(KEY.reveal()), events))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", events
    server.shutdown()
    thread.join(5)
    server.server_close()


def post(url: str, body: bytes, key: Secret = KEY) -> None:
    """Post as Lockstep does."""
    Webhook(url=url, key=lambda: key, clock=SystemClock(), time_left=lambda: 60.0).send("5c1e", body)


def test_what_lockstep_posts_is_taken(served: Any, event: Any) -> None:
    """Signed by the product's own code, with the same key."""
    url, events = served
    made = event("shop/db", at=datetime.now(UTC))
    post(url, json.dumps(made).encode())
    assert events.get_nowait() == made


def test_another_key_is_refused(served: Any, event: Any) -> None:
    """Nothing is done for it."""
    url, events = served
    with pytest.raises(UnexpectedReply, match="401"):
        post(url, json.dumps(event("shop/db", at=datetime.now(UTC))).encode(), Secret("whsec_" + "A" * 32))
    assert events.empty()


def test_a_recorded_post_a_changed_one_and_one_without_headers_are_refused(receiver: ModuleType) -> None:
    """The signature covers id, time and body; a time more than five minutes away counts as a replay."""
    key, body, now = receiver.key_of(KEY.reveal()), b"{}", 1_790_000_000
    headers = {
        "webhook-id": "5c1e",
        "webhook-timestamp": str(now),
        "webhook-signature": signature(KEY, "5c1e", now, body),
    }
    assert receiver.problem(headers, body, key, now + 299) is None
    assert "time" in receiver.problem(headers, body, key, now + 301)
    assert "time" in receiver.problem(headers, body, key, now - 301)
    assert "signature" in receiver.problem(headers, b"{} ", key, now)
    assert "signature" in receiver.problem({**headers, "webhook-id": "5c1f"}, body, key, now)
    assert "signature" in receiver.problem({**headers, "webhook-timestamp": str(now + 1)}, body, key, now)
    assert "signature" in receiver.problem({**headers, "webhook-signature": "v1,\xff"}, body, key, now)
    assert "time" in receiver.problem({}, body, key, now)
    rotated = {**headers, "webhook-signature": f"v1,AAAA {headers['webhook-signature']}"}
    assert receiver.problem(rotated, body, key, now) is None


@dataclass
class Cluster:
    """A strict API server with one Deployment; it notes what it patched.

    Attributes:
        annotations: of the pods' template.
        patches: the bodies.
        fails: how many requests are refused first.
    """

    annotations: dict[str, str] = field(default_factory=dict)
    patches: list[object] = field(default_factory=list)
    fails: int = 0

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> object:
        """Serve one request, as kube-apiserver answers."""
        request = Request(environ)
        if request.headers.get("Authorization") != "Bearer account-token":
            return Response(status=401)(environ, start)
        if request.path != PATH:
            return Response(status=404)(environ, start)
        if self.fails:
            self.fails -= 1
            return Response(status=503)(environ, start)
        if request.method == "PATCH":
            if request.content_type != "application/strategic-merge-patch+json":
                return Response(status=415)(environ, start)
            change = json.loads(request.get_data())
            self.patches.append(change)
            self.annotations |= change["spec"]["template"]["metadata"]["annotations"]
        body = {"spec": {"template": {"metadata": {"annotations": self.annotations}}}}
        return Response(json.dumps(body), content_type="application/json")(environ, start)


@pytest.fixture
def cluster(
    consumer: Callable[[str], ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Cluster]:
    """Yield a cluster whose API server the pod's service account names."""
    made, certificate = Cluster(), Certificate("127.0.0.1")
    monkeypatch.setattr(consumer("kubernetes_restart"), "ACCOUNT", tmp_path)
    (tmp_path / "ca.crt").write_bytes(certificate.pem)
    (tmp_path / "token").write_text("account-token\n")
    with serve(made, tls=certificate.context(tmp_path)) as url:  # type: ignore[arg-type]  # werkzeug's answers are WSGI's
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", url.rpartition(":")[2])
        yield made


def test_a_deployment_is_restarted_as_kubectl_does_it(cluster: Cluster, consumer: Any) -> None:
    """One patch of one annotation; a restart that is already newer than the commit is not repeated."""
    restart, commit = consumer("kubernetes_restart").restart, datetime.now(UTC) - timedelta(minutes=1)
    assert [restart("shop/web", commit), restart("shop/web", commit)] == ["restarted", "restarted since"]
    (patch,) = cluster.patches
    assert patch == {"spec": {"template": {"metadata": {"annotations": {ANNOTATION: cluster.annotations[ANNOTATION]}}}}}
    assert datetime.fromisoformat(cluster.annotations[ANNOTATION]) >= commit
    assert restart("shop/web", datetime.now(UTC) + timedelta(minutes=1)) == "restarted"


def test_another_authority_is_not_trusted(cluster: Cluster, consumer: Any, tmp_path: Path) -> None:
    """The token is never shown to a server that the account's certificate does not vouch for."""
    (tmp_path / "ca.crt").write_bytes(Certificate("127.0.0.1").pem)
    with pytest.raises(OSError, match="certificate"):
        consumer("kubernetes_restart").restart("shop/web", datetime.now(UTC))
    assert cluster.patches == []


def test_ten_secrets_of_one_deployment_restart_it_once(
    receiver: ModuleType, cluster: Cluster, event: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes within the gathering time is one restart; what is no commit is none; a refusal is tried again."""
    del cluster
    acts, events, paused = [], queue.Queue[dict[str, Any]](), []
    monkeypatch.setattr(receiver.time, "sleep", paused.append)

    def act(target: str, at: datetime) -> str:
        acts.append((target, at))
        if len(acts) == 1:
            raise OSError
        return "restarted"

    now = datetime.now(UTC).replace(microsecond=0)
    for number in range(10):
        events.put(event(f"shop/{number}", at=now + timedelta(seconds=number)))
        events.put(event(f"shop/{number}", at=now, kind=EventKind.PROVED))
    worker = threading.Thread(target=receiver.work, args=(events, {"shop/": ["shop/web"]}, act, 0.3), daemon=True)
    worker.start()
    deadline = time.monotonic() + 20
    with events.all_tasks_done:
        while events.unfinished_tasks and time.monotonic() < deadline:
            events.all_tasks_done.wait(1)
    assert acts == [("shop/web", now + timedelta(seconds=9))] * 2
    assert len(paused) == 1
