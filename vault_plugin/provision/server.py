"""The calls to Vault or OpenBao that an installation needs; hvac has no methods for plug-ins."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Self

import hvac

from rotation.core.errors import (
    RotationError,
    SettingsError,
    StoreDenied,
    StoreError,
    StoreUnavailable,
    Withheld,
)
from rotation.core.secret import Secret
from rotation.drivers.network.bounded import bound
from rotation.drivers.network.deadline import Watch
from rotation.stores.vault_kv.hvac_kv import unreached
from vault_plugin.server_access import ServerAccess
from vault_plugin.server_access import token as given_token

_TIMEOUT_SECONDS = 100
"""Longer than the server's own limit (90 s), since the request that makes a role rotates its account."""

_EXCHANGE_SECONDS = 120.0
"""The longest one request and its whole answer may take; the time-out above holds for each read alone."""
_ANSWER_LIMIT = 32 * 1024 * 1024

_BUSY = ("transaction commit failed", "queue is empty")
"""Answers of OpenBao 2.7.2 when a role is written while its rotation ends (seen 2026-11-22)."""


class ServerBusyError(StoreUnavailable):
    """The server was changing the same object at that moment; this request changed nothing."""


_REFUSED = (
    "The message has the server's own words. Correct in the file what they name, such as a role's `username` or "
    "`options`, or its connection. Then run the same command again."
)

_GONE = ("error while dialing", "error reading from server")
"""What OpenBao 2.7.2 says of a plug-in's process that has ended, and of one that ends as it is asked (2026-11-30)."""
_NO_PROCESS = (
    "The plug-in's process has ended, and the server starts it for a role alone. Run `lockstep vault plugin rotate "
    "ROLE`, or wait for one that is due; then run the same command again."
)


class Server:
    """A server, with a token. Use it as a context manager."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - hvac has no types
        self._adapter = client.adapter
        self._watch = Watch(_EXCHANGE_SECONDS)
        bound(client.session, self._watch, limit=_ANSWER_LIMIT, seconds=_EXCHANGE_SECONDS)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Server:
        """Connect with the variables of the servers' own command lines.

        Raises:
            SettingsError: lists every fault of the variables at once.
        """
        faults: list[str] = []
        access, token = ServerAccess.read(environment, faults), given_token(environment, faults)
        if faults:
            raise SettingsError("environment", tuple(faults))
        return cls(access.client(token, timeout=_TIMEOUT_SECONDS))

    @property
    def address(self) -> str:
        """The server's base URL."""
        return str(self._adapter.base_uri)

    def read(self, path: str) -> dict[str, Any] | None:
        """Return the data at ``path``; ``None`` if there is none.

        Raises:
            StoreError: ``StoreDenied``, ``StoreUnavailable``, or the server refuses the request.
        """
        with Withheld(hvac.exceptions.VaultError, OSError, by=lambda error: _failure(error, path)):
            try:
                reply = self._adapter.get(f"/v1/{path}")
            except hvac.exceptions.InvalidPath:
                return None
        _refuse_redirect(reply)
        data = reply.get("data") if isinstance(reply, dict) else None
        if not isinstance(data, dict):
            raise StoreError(f"the answer for {path} has an unexpected form")
        return data

    def write(self, path: str, body: Mapping[str, object], *, secrets: tuple[Secret, ...] = ()) -> None:
        """Write ``body`` to a path below ``/v1/``; no error shows a value of ``secrets``.

        Raises:
            StoreError: as ``read``.
            ServerBusyError: the server was changing the same object.
        """
        with Withheld(hvac.exceptions.VaultError, OSError, by=lambda error: _failure(error, path).scrubbed(secrets)):
            reply = self._adapter.post(f"/v1/{path}", json=dict(body))
        _refuse_redirect(reply)

    def list(self, path: str) -> tuple[str, ...]:
        """Return the names below ``path``.

        Raises:
            StoreError: as ``read``.
        """
        with Withheld(hvac.exceptions.VaultError, OSError, by=lambda error: _failure(error, path)):
            try:
                reply = self._adapter.list(f"/v1/{path}")
            except hvac.exceptions.InvalidPath:
                return ()
        _refuse_redirect(reply)
        return tuple(map(str, reply["data"]["keys"]))

    def delete(self, path: str) -> None:
        """Delete what is at ``path``.

        Raises:
            StoreError: as ``write``.
        """
        with Withheld(hvac.exceptions.VaultError, OSError, by=lambda error: _failure(error, path)):
            reply = self._adapter.delete(f"/v1/{path}")
        _refuse_redirect(reply)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._adapter.close()
        self._watch.__exit__()


def _refuse_redirect(reply: object) -> None:
    if 300 <= int(getattr(reply, "status_code", 200)) < 400:  # noqa: PLR2004 - redirects
        raise StoreUnavailable(
            "the server redirects to another address, and redirects are not followed",
            vendor_code="standby",
            hint="Give the active node's address, or let the nodes forward requests.",
        )


def _failure(error: Exception, path: str) -> RotationError:
    if isinstance(error, hvac.exceptions.Forbidden | hvac.exceptions.Unauthorized):
        return StoreDenied(f"the server denies {path}", hint="Check the token and its policies.")
    if isinstance(error, hvac.exceptions.VaultDown):
        return StoreUnavailable(
            "the server is sealed or in maintenance", hint="Unseal the server, or wait until the maintenance ends."
        )
    if isinstance(error, hvac.exceptions.VaultError):
        # The server's own words; for a plug-in's refusal they are ours and hold no value.
        said = "; ".join(str(each).strip() for each in error.errors or ())
        if "no handler for route" in said:
            return StoreError(
                f"the server has nothing mounted at {path}",
                hint="Correct `mount` in the file, or the namespace (VAULT_NAMESPACE).",
            )
        if any(words in said for words in _BUSY):
            return ServerBusyError(
                f"the server was busy with {path}", hint="Nothing was changed. Run the command again."
            )
        hint = _NO_PROCESS if any(words in said for words in _GONE) else _REFUSED
        return StoreError(f"the server refused {path}: {said or type(error).__name__}", hint=hint)
    return unreached(error) if isinstance(error, OSError) else StoreUnavailable("the server does not answer")
