"""The socket of a plug-in: its folder, its limits, its group, and what a killed plug-in leaves."""

import os
import socket
import stat
from pathlib import Path


def test_what_a_killed_plugin_left_is_swept_by_the_next(host):
    """Only folders of dead processes with an unserved socket are removed; a running plug-in keeps its own."""
    killed, neighbour = host.start(), host.start()
    left, kept = (Path(each.fields[3]).parent for each in (killed, neighbour))
    killed.process.kill()
    killed.process.wait(30)
    gone = left.name.split("-")[1]
    served, linked, fuller = (host.folder / f"lockstep-{gone}-{digit * 10}" for digit in "abc")
    served.mkdir()
    linked.symlink_to(kept)
    fuller.mkdir()
    (fuller / "somebody's").touch()
    with socket.socket(socket.AF_UNIX) as elsewhere:  # as a process in another container looks: dead, and served
        elsewhere.bind(str(served / "s"))
        elsewhere.listen()
        sweeper = host.start()
        sweeper.process.terminate()
        assert sweeper.process.wait(30) == 0
    assert not left.exists()
    assert (served / "s").is_socket()
    assert linked.is_symlink()
    assert (fuller / "somebody's").exists()
    assert Path(neighbour.fields[3]).is_socket()


def test_a_path_that_no_socket_can_have_is_an_error(host):
    """The kernel allows 107 bytes; the error names a longer TMPDIR as the reason."""
    far = host.folder / ("x" * 100)
    far.mkdir()
    plugin = host.start(TMPDIR=str(far))
    assert plugin.process.wait(30) == 1
    assert "shorten TMPDIR" in plugin.process.stderr.read()
    assert list(far.iterdir()) == []


def test_a_group_of_a_container_runtime_gets_the_socket(host):
    """The socket is in the folder that the host names, and the group that it names may use it."""
    shared = host.folder / "shared"
    shared.mkdir()
    plugin = host.start(PLUGIN_UNIX_SOCKET_DIR=str(shared), PLUGIN_UNIX_SOCKET_GROUP=str(os.getgid()))
    path = Path(plugin.fields[3])
    assert path.is_relative_to(shared)
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o750
