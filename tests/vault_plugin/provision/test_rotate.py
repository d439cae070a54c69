"""Rotation on demand where the server is just ending another rotation of the role."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import hvac
import pytest
from werkzeug.wrappers import Request, Response

from rotation.core.errors import ConfigError, InProgress, StoreUnavailable
from rotation.drivers.registry import vendor_policies
from rotation_testkit.doubles.serving import serve
from rotation_testkit.fault_lab.in_memory.scenario import VirtualClock
from vault_plugin.provision.declaration import DesiredState, PluginTable, Role
from vault_plugin.provision.rotate import _alone, rotate
from vault_plugin.provision.server import Server

DAY = 86_400


@dataclass
class BusyServer:
    """One static role with OpenBao's answers; the first writes are refused, and a shortened period rotates at once."""

    refusals: int
    period: int = DAY
    last: str = "2026-11-21T03:00:00Z"
    written: list[int] = field(default_factory=list)

    @Request.application
    def __call__(self, request):
        """Read or write the role."""
        if request.method == "GET":
            data = {"rotation_period": self.period, "last_vault_rotation": self.last}
            return Response(json.dumps({"data": data}), content_type="application/json")
        if self.refusals:
            self.refusals -= 1
            body = {"errors": ["1 error occurred:\n\t* transaction commit failed\n\n"]}
            return Response(json.dumps(body), status=500, content_type="application/json")
        self.period = json.loads(request.get_data())["rotation_period"]
        self.written.append(self.period)
        if self.period < DAY:
            self.last = "2026-11-22T03:00:00Z"
        return Response(status=204)


def rotated(double):
    """Rotate the role on demand over HTTP, and return when the server says that it did."""
    policy, file = vendor_policies()["ucloud_compshare"]["linux"], "lockstep-plugin"
    role = Role(name="gpu", connection="compshare", username="root", period=DAY, policy=policy, statements=())
    desired = DesiredState(plugin=PluginTable(file=file), file=Path(file), connections={}, roles={})
    with serve(double) as url, Server(hvac.Client(url, token="anybody")) as server:
        return rotate(server, desired, role, VirtualClock(), patience=60).at


def test_a_busy_server_is_asked_again_and_the_period_is_set_back():
    """A conflict that passes stops neither the shortening nor the setting back."""
    double = BusyServer(refusals=3)
    assert rotated(double) == "2026-11-22T03:00:00Z"
    assert (double.refusals, double.period, len(double.written)) == (0, DAY, 2)


def test_a_server_that_stays_busy_is_a_retryable_error():
    """Nothing was changed, and the message quotes nothing."""
    double = BusyServer(refusals=1000)
    with pytest.raises(StoreUnavailable, match="busy") as refused:
        rotated(double)
    assert refused.value.retryable
    assert (double.period, double.written) == (DAY, [])


def demand(monkeypatch, folder: Path):
    """Rotate on demand with a temporary folder, and return when the server rotated."""
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(folder))
    return rotated(BusyServer(refusals=0))


def test_a_lock_follows_no_link_and_nobody_else_can_hold_it(monkeypatch, tmp_path: Path):
    """The lock is a file of mode 0600 in a folder that only this user may enter."""
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    with _alone("a role"), pytest.raises(InProgress), _alone("a role"):
        pass
    (own,) = tmp_path.iterdir()
    (lock,) = own.iterdir()
    assert (own.stat().st_mode & 0o777, lock.stat().st_mode & 0o777) == (0o700, 0o600)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    lock.unlink()
    lock.symlink_to(victim)
    with pytest.raises(OSError, match="symbolic link"), _alone("a role"):
        pass
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("trap", ["link", "open"])
def test_a_folder_that_another_user_may_enter_is_refused(monkeypatch, tmp_path, trap: str):
    """In a shared temporary folder, somebody else may have been there first."""
    own, elsewhere = tmp_path / f"lockstep-{os.getuid()}", tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    if trap == "link":
        own.symlink_to(elsewhere)
    else:
        own.mkdir()
        own.chmod(0o777)
    with pytest.raises(ConfigError, match="not a folder of this user alone"):
        demand(monkeypatch, tmp_path)
    assert list(elsewhere.iterdir()) == []
