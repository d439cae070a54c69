"""The socket on which a plug-in listens: in a private folder, or on a loopback port."""

from __future__ import annotations

import errno
import grp
import os
import re
import socket
import stat
from contextlib import suppress
from pathlib import Path
from typing import Self

from vault_plugin.goplugin.handshake import HandshakeError, Offer

_SOCKET, _LONGEST_PATH = "s", 107
"""The kernel's limit on the path of a socket."""

_NAME = re.compile(r"lockstep-([1-9][0-9]{0,9})-[0-9a-f]{10}")
"""A folder's name: the process that made it, and random digits."""


class Listener:
    """The listening socket: in a folder that only the plug-in's user may enter, or on a loopback port."""

    def __init__(self, offer: Offer, network: str) -> None:
        self._folder: Path | None = None
        if network == "tcp":
            self.socket = _loopback(offer.ports)
            self.address = f"tcp|127.0.0.1:{self.socket.getsockname()[1]}"
            return
        # Not tempfile: its import alone takes a tenth of the time until the handshake.
        parent = offer.socket_folder or os.environ.get("TMPDIR") or "/tmp"  # noqa: S108 - the name is random, the mode 0700
        self._folder = Path(parent) / f"lockstep-{os.getpid()}-{os.urandom(5).hex()}"
        path = self._folder / _SOCKET
        if len(os.fsencode(path)) > _LONGEST_PATH:
            raise HandshakeError(f"the path of the socket would be longer than {_LONGEST_PATH} bytes; shorten TMPDIR")
        self._folder.mkdir(mode=0o700)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(path))
        if offer.socket_group is not None:
            _let_in(offer.socket_group, self._folder, path)
        self.address = f"unix|{path}"

    def sweep(self) -> None:
        """Remove the folders of killed plug-ins. A plug-in that still runs keeps its own."""
        if self._folder is None:
            return
        with suppress(OSError), os.scandir(self._folder.parent) as entries:
            for entry in entries:
                match = _NAME.fullmatch(entry.name)
                if match is not None and _is_dead(int(match[1])):
                    with suppress(OSError):
                        _remove(Path(entry.path))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._folder is not None:
            (self._folder / _SOCKET).unlink(missing_ok=True)
            self._folder.rmdir()


def _is_dead(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def _remove(folder: Path) -> None:
    """Remove a folder of our user whose socket is not served: a process in another container looks dead, too.

    Raises:
        OSError: the folder belongs to another user, holds more than a socket, or is gone.
    """
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        return
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)  # noqa: FBT003 - the standard library's own
        if probe.connect_ex(str(folder / _SOCKET)) not in (errno.ECONNREFUSED, errno.ENOENT):
            return
    (folder / _SOCKET).unlink(missing_ok=True)
    folder.rmdir()


def _let_in(group: str, folder: Path, path: Path) -> None:
    number = int(group) if group.isdigit() else grp.getgrnam(group).gr_gid
    for each, mode in ((folder, 0o750), (path, 0o660)):
        os.chown(each, -1, number)
        each.chmod(mode)


def _loopback(ports: range) -> socket.socket:
    for port in ports or range(1):
        listener = socket.socket()
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            listener.close()
        else:
            return listener
    raise HandshakeError("every port that the host allows is taken")
