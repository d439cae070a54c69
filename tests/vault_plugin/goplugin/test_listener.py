"""What a plug-in leaves on the disk: its socket while it lives, and nothing else."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path


def test_what_a_killed_plugin_left_is_swept_by_the_next(host) -> None:
    """Only folders of our own whose process is gone and whose socket nobody serves; a neighbour keeps its own."""
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


def test_no_file_is_written_for_the_key(host) -> None:
    """While the key pair is made: what OpenSSL reads lies in memory."""
    script = (
        "import os, sys\n"
        "from vault_plugin.goplugin import tls\n"
        "written = []\n"
        "WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT\n"
        "def hear(event, given):\n"
        "    if event == 'open' and isinstance(given[2], int) and given[2] & WRITES:\n"
        "        written.append(given[0])\n"
        "sys.addaudithook(hear)\n"
        "tls.Identity.create(os.environ['PLUGIN_CLIENT_CERT'])\n"
        "assert not written, written\n"
        "open(os.devnull, 'w').close()\n"
        "print(len(written))\n"
    )
    made = subprocess.run(
        [sys.executable, "-c", script], env=host.environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert made.stdout == "1\n", made.stderr  # the hook does hear of files that are written
