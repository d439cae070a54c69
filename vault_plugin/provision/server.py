"""The few calls to Vault or OpenBao that installing needs; hvac has no methods for plug-ins."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import hvac

from rotation.core.errors import ConfigError, RotationError, SettingsError, StoreDenied, StoreError, StoreUnavailable
from rotation.core.secret import Secret
from rotation.core.settings import base_url

T = TypeVar("T")
_TIMEOUT_SECONDS = 100
"""Longer than a server gives a request (90 s), since making a role rotates at once."""

_BUSY = ("transaction commit failed", "queue is empty")
"""What OpenBao 2.7.2 says when a role is written while its rotation ends (seen 2026-11-22)."""


class ServerBusyError(StoreUnavailable):
    """Something else was changing the same thing at that moment; nothing was changed by us."""


class Server:
    """A server and who we are there."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - hvac has no types
        self._adapter = client.adapter

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Server:
        """Connect as the servers' own command lines do.

        Raises:
            ConfigError: no address or no token, or an address to which token and admin credential must not be sent.
        """
        address, token, namespace, ca_file, ca_folder = (
            environment.get(f"BAO_{key}") or environment.get(f"VAULT_{key}")
            for key in ("ADDR", "TOKEN", "NAMESPACE", "CACERT", "CAPATH")
        )
        if not address or not token:
            raise ConfigError(
                "VAULT_ADDR and VAULT_TOKEN (or BAO_ADDR and BAO_TOKEN) must say where the server is and who you are"
            )
        problem = base_url(address)
        if problem is not None:
            raise SettingsError("environment", (f"VAULT_ADDR {problem}",))
        return cls(
            hvac.Client(
                address.rstrip("/"),
                token=token,
                namespace=namespace,
                verify=ca_file or ca_folder or True,
                timeout=_TIMEOUT_SECONDS,
                allow_redirects=False,  # A redirect would carry token and admin credential to wherever it points.
            )
        )

    @property
    def address(self) -> str:
        """Base URL."""
        return str(self._adapter.base_uri)

    def read(self, path: str) -> dict[str, Any] | None:
        """Return the data at ``path``, ``None`` when there is nothing.

        Raises:
            StoreError: ``StoreDenied``, ``StoreUnavailable``, or the server does not take the request.
        """
        try:
            reply = self._adapter.get(f"/v1/{path}")
        except hvac.exceptions.InvalidPath:
            return None
        except (hvac.exceptions.VaultError, OSError) as error:
            failure = _failure(error, path)
        else:
            _refuse_redirect(reply)
            data = reply.get("data") if isinstance(reply, dict) else None
            if isinstance(data, dict):
                return data
            failure = StoreError(f"the answer for {path} is not the one that was expected")
        raise failure

    def write(self, path: str, body: Mapping[str, object], *, secrets: tuple[Secret, ...] = ()) -> None:
        """Write ``body`` to ``path``.

        Args:
            path: below ``/v1/``.
            body: what the server is to keep.
            secrets: what stands in ``body`` and must not come back in an error.

        Raises:
            StoreError: as ``read``.
            ServerBusyError: something else was changing the same thing.
        """
        try:
            reply = self._adapter.post(f"/v1/{path}", json=dict(body))
        except (hvac.exceptions.VaultError, OSError) as error:
            failure = _failure(error, path)
        else:
            _refuse_redirect(reply)
            return
        raise failure.scrubbed(secrets)

    def close(self) -> None:
        """Close the connection."""
        self._adapter.close()


def _refuse_redirect(reply: object) -> None:
    if 300 <= int(getattr(reply, "status_code", 200)) < 400:  # noqa: PLR2004 - redirects
        raise StoreUnavailable(
            "the server points elsewhere, and redirects are not followed",
            vendor_code="standby",
            hint="Give the active node's address, or let the nodes forward requests.",
        )


def _failure(error: Exception, path: str) -> RotationError:
    if isinstance(error, hvac.exceptions.Forbidden | hvac.exceptions.Unauthorized):
        return StoreDenied(f"the server denies {path}", hint="Check the token and its policies.")
    if isinstance(error, hvac.exceptions.VaultDown):
        return StoreUnavailable("the server is sealed or in maintenance", hint="Unseal it.")
    if isinstance(error, hvac.exceptions.VaultError):
        # The server's own words, which for a plug-in's refusal are ours and hold no value.
        said = "; ".join(str(each).strip() for each in error.errors or ())
        if any(words in said for words in _BUSY):
            return ServerBusyError(f"the server was busy with {path}", hint="Try again: nothing was changed.")
        return StoreError(f"the server refused {path}: {said or type(error).__name__}")
    return StoreUnavailable(f"the server does not answer ({type(error).__name__})")


def call(server: Server, work: Callable[[Server], T]) -> T:
    """Run ``work`` and close the connection whatever happens."""
    try:
        return work(server)
    finally:
        server.close()
