"""Rotation on demand where the server is just ending another rotation of the role."""

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import hvac
import pytest
from werkzeug.wrappers import Request, Response

from rotation.core.errors import StoreUnavailable
from rotation.drivers.registry import vendor_policies
from rotation_testkit.doubles.serving import serve
from rotation_testkit.fault_lab.in_memory.scenario import VirtualClock
from vault_plugin.provision.declaration import DesiredState, PluginTable, Role
from vault_plugin.provision.rotate import rotate
from vault_plugin.provision.server import Server

DAY = 86_400


@dataclass
class BusyServer:
    """One static role with OpenBao's answers; the first writes are refused, and a shortened period rotates at once."""

    refusals: int
    period: int = DAY
    last: str = "2026-11-21T03:00:00Z"
    written: list[int] = field(default_factory=list)

    def __call__(self, environ, start):
        """Answer one request."""
        request = Request(environ)
        return self.answer(request)(environ, start)

    def answer(self, request):
        """Read or write the role."""
        if request.method == "GET":
            return _json({"data": {"rotation_period": self.period, "last_vault_rotation": self.last}})
        if self.refusals:
            self.refusals -= 1
            return _json({"errors": ["1 error occurred:\n\t* transaction commit failed\n\n"]}, 500)
        self.period = json.loads(request.get_data())["rotation_period"]
        self.written.append(self.period)
        if self.period < DAY:
            self.last = "2026-11-22T03:00:00Z"
        return Response(status=204)


def _json(body, status=200):
    return Response(json.dumps(body), status=status, content_type="application/json")


@contextmanager
def reached(double):
    """Yield the server, over HTTP."""
    with serve(double) as url:
        yield Server(hvac.Client(url, token="anybody"))


ROLE = Role(
    name="gpu",
    connection="compshare",
    username="root",
    period=DAY,
    policy=vendor_policies()["ucloud_compshare"]["linux"],
    statements=(),
)
WANTED = DesiredState(
    plugin=PluginTable(file="lockstep-plugin"), file=Path("lockstep-plugin"), connections={}, roles={}
)


def test_a_busy_server_is_asked_again_and_the_period_is_set_back():
    """A conflict that passes stops neither the shortening nor the setting back."""
    double = BusyServer(refusals=3)
    with reached(double) as server:
        done = rotate(server, WANTED, ROLE, VirtualClock(), patience=60)
    assert done.at == "2026-11-22T03:00:00Z"
    assert (double.refusals, double.period, len(double.written)) == (0, DAY, 2)


def test_a_server_that_stays_busy_is_a_retryable_error():
    """Nothing was changed, and the message quotes nothing."""
    double = BusyServer(refusals=1000)
    with reached(double) as server, pytest.raises(StoreUnavailable, match="busy") as refused:
        rotate(server, WANTED, ROLE, VirtualClock(), patience=60)
    assert refused.value.retryable
    assert (double.period, double.written) == (DAY, [])
