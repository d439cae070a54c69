"""What OpenBao 2.7.2 gets wrong, held as facts: after a failure here, correct docs/vault-plugin.md.

These are the reasons why `lockstep vault plugin rotate` goes through the scheduler and never through `rotate-role`.
What waits for the server's own 10 seconds runs with the long ones.
"""

import json
import threading

import hvac
import pytest

from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.sandbox.static_roles import wait_until

pytestmark = [pytest.mark.upstream, pytest.mark.timeout(300)]


def on_demand(plugin_server, directory, said):
    """Call rotate-role, which must fail, and note the error's text."""
    with pytest.raises((OSError, hvac.exceptions.VaultError)) as error:
        plugin_server.server.client().adapter.post(f"/v1/{directory.mount}/rotate-role/bob")
    said.append(str(error.value))


@pytest.mark.long
def test_rotate_role_loses_the_new_password_when_the_server_dies(own_plugin_server, stack):
    """The log is written inside the request's transaction, so after a kill the stored password is and stays dead."""
    directory = own_plugin_server.directory(stack)
    directory.role("bob")
    directory.role("witness")
    reached, release = directory.hang()

    said = []
    request = threading.Thread(target=on_demand, args=(own_plugin_server, directory, said))
    request.start()
    assert reached.wait(60)
    own_plugin_server.server.kill()
    release.set()
    request.join(60)
    assert said
    own_plugin_server.server.start()
    # The scheduler has gone through its queue when it has rotated another role twice.
    for _ in range(2):
        before = directory.last("witness")
        directory.set_period("witness", 5)
        wait_until(lambda before=before: directory.last("witness") != before, "the witness is rotated")
    assert not directory.equal("bob")


@pytest.mark.long
def test_rotate_role_comes_back_with_another_password(plugin_server, stack):
    """After an error on demand the retry brings another password than the one that the vendor may have taken."""
    directory = plugin_server.directory(stack)
    directory.role("bob")
    directory.vendor.faults.add("ResetPassword", FaultKind.ERROR_AFTER)
    on_demand(plugin_server, directory, [])
    assert not directory.equal("bob")
    wait_until(lambda: directory.equal("bob"), "the retry")
    first, second = [json.loads(body)["Password"] for body in directory.sent()][1:3]
    assert (first == second) is False


@pytest.mark.long  # the first caller must still be waiting when the second one is refused
@pytest.mark.parametrize("waits", [False, True], ids=["now", "10 s later"])
def test_two_rotate_role_at_once_both_fail_and_leave_a_dead_password(plugin_server, stack, *, waits):
    """rotate-role takes no lock: one caller gets "duplicate item"; our plug-in refuses the other, whose retry heals."""
    directory = plugin_server.directory(stack)
    directory.role("bob")
    reached, release = directory.hang()
    said = []
    first = threading.Thread(target=on_demand, args=(plugin_server, directory, said))
    first.start()
    assert reached.wait(60)
    on_demand(plugin_server, directory, said)
    release.set()
    first.join(60)
    assert "in_progress" in said[0]
    assert "duplicate item" in said[1]
    assert not directory.equal("bob")
    if waits:
        wait_until(lambda: directory.equal("bob"), "the retry")
    # Nothing is to try again when the vendor's port may be somebody else's.
    plugin_server.adapter.delete(f"/v1/sys/mounts/{directory.mount}")


def test_the_admin_credential_cannot_be_rotated_by_accident(plugin_server, stack):
    """rotate-root is refused, since our connections have no username; with a lost answer it would lose the key."""
    directory = plugin_server.directory(stack)
    with pytest.raises(hvac.exceptions.VaultError, match="username"):
        plugin_server.adapter.post(f"/v1/{directory.mount}/rotate-root/vendor")
