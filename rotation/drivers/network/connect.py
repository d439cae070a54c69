"""Connect to a host before a deadline that includes the look-up of its name.

``socket.create_connection`` gives each address the whole time-out, and sets no limit on the look-up. Here the addresses
share the time. Example: 9 seconds are left and the name has three addresses. The first gets 3 seconds. When it has used
them up, the second gets half of the remaining 6, and the third all that is left.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]
_LEAST = 0.001


def connect(
    host: str, port: int, left: Callable[[], float], options: Iterable[tuple[int, int, int | bytes]] = ()
) -> socket.socket:
    """Return a socket that is connected to the first address that answers while ``left()`` seconds remain.

    Its time-out is what is left then. The ``options`` are those of ``setsockopt``.

    Raises:
        TimeoutError: the time is over.
        OSError: there is no such host, or none of its addresses takes the connection.
    """
    failure: OSError = OSError("the host's name has no address")
    found = _looked_up(host, port, left)
    for number, (family, kind, protocol, _, address) in enumerate(found):
        sock = socket.socket(family, kind, protocol)
        try:
            for option in options:
                sock.setsockopt(*option)
            sock.settimeout(max(left() / (len(found) - number), _LEAST))
            sock.connect(address)
            sock.settimeout(max(left(), _LEAST))
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure


def _looked_up(host: str, port: int, left: Callable[[], float]) -> list[Address]:
    """Return the host's addresses. A resolver that hangs cannot be interrupted, so its thread is left behind."""
    found: list[Address] = []
    name = host.strip("[]")

    def ask() -> None:
        with suppress(OSError, UnicodeError):
            found.extend(socket.getaddrinfo(name, port, type=socket.SOCK_STREAM))

    with suppress(ValueError):
        ipaddress.ip_address(name)  # An address needs no look-up.
        ask()
        return found
    asking = threading.Thread(target=ask, daemon=True, name="lockstep-look-up")
    asking.start()
    asking.join(max(left(), 0))
    if asking.is_alive():
        raise TimeoutError
    return found
