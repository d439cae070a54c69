"""The rotation job's login: a token that lasts as long as the work, renewed or replaced before it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import hvac

from rotation.core.clock import Clock, StoreClock, steady
from rotation.core.errors import StoreDenied, StoreError, StoreUnavailable, Withheld
from rotation.core.secret import Secret
from rotation.drivers.network.bounded import bound
from rotation.drivers.network.deadline import Watch
from rotation.stores.vault_kv import HvacKv, asked
from rotation.stores.vault_kv.hvac_kv import unreached
from vault_plugin.job.settings import VaultSettings

_TIMEOUT_SECONDS = 15
_EXCHANGE_SECONDS = 30.0
"""The longest one request and its whole answer may take; the time-out above holds for each read alone."""
_ANSWER_LIMIT = 32 * 1024 * 1024
_MARGIN_SECONDS = 30.0
"""A token is renewed or replaced if it ends within the time of the work and this margin."""

REQUESTS = 60
"""The most requests of one rotation with its retries; a clean one makes 14, and a batch some for each device."""

_UNFIT = {
    472: ("is a disaster-recovery secondary", "standby"),
    501: ("is not initialised", "not_initialized"),
    503: ("is sealed", "sealed"),
}
"""Answers of ``sys/health`` by a node that cannot serve. A standby (429, 473) can: it passes requests on."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token and when it ends.

    Attributes:
        value: the token.
        ends: epoch seconds; ``None`` if it does not end.
        renewable: whether it can be renewed.
        uses: how many requests it is still good for; ``None`` for any number.
    """

    value: Secret
    ends: float | None = None
    renewable: bool = False
    uses: int | None = None


def _unreached(error: Exception) -> StoreError:
    if isinstance(error, OSError):
        return unreached(error)
    return StoreUnavailable("the server could not be reached", vendor_code="unreachable")


class Login:
    """One login for all rotations of a run; each rotation gets a client of its own. Use it as a context manager.

    Args:
        vault: which server, and how to log in.
        clock: the job's clock; the server's answers set a ``StoreClock``.
    """

    def __init__(self, vault: VaultSettings, *, clock: Clock) -> None:
        self.settings = vault
        self._clock, self._machine = clock, steady(clock)
        self._lock = threading.Lock()
        self._token: Token | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Revoke the token unless it is the operator's."""
        if self._token is not None and self.settings.method != "token":
            with self._connected(self._token) as client, suppress(StoreError):  # It ends by itself.
                asked(None, client.auth.token.revoke_self, str)

    def check(self) -> None:
        """Raise unless the server can serve.

        Raises:
            StoreUnavailable: there is no answer, or the node cannot serve; ``vendor_code`` says why.
        """
        with (
            self._connected(None, at_root=True) as client,
            Withheld(hvac.exceptions.VaultError, OSError, by=_unreached),
        ):
            answer = client.sys.read_health_status(method="GET")
        unfit = _UNFIT.get(int(getattr(answer, "status_code", 200)))
        if unfit is not None:
            raise StoreUnavailable(f"the server {unfit[0]}", vendor_code=unfit[1])

    @contextmanager
    def kv(self, *, seconds: float, requests: int = REQUESTS) -> Iterator[HvacKv]:
        """Yield the mount, through a connection of its own and with a token that lasts ``seconds`` and ``requests``.

        Raises:
            StoreDenied: the login is refused, or the token ends too soon and cannot be renewed.
            StoreUnavailable: there is no answer.
        """
        with self._lock:
            if self._token is not None and self._token.uses is not None:
                self._token = None  # what is left of it is not known any more
            token = self._token = self._lasting(seconds + _MARGIN_SECONDS)
            if token.uses is not None and token.uses < requests:
                raise StoreDenied(
                    f"the token may be used {token.uses} more times, and this work makes up to {requests} requests",
                    vendor_code="token_uses",
                    hint="Give the job a token without a limit of uses (num_uses, token_num_uses), or a higher limit.",
                )
        with self._connected(token) as client:
            yield HvacKv(client, self.settings.mount)

    def _lasting(self, seconds: float) -> Token:
        given = self.settings.method == "token"
        token = self._token or (self._given() if given else self._log_in())
        if token.renewable and not self._lasts(token, seconds):
            token = self._renewed(token, seconds)
        if not given and not self._lasts(token, seconds):
            token = self._log_in()
        if not self._lasts(token, seconds):
            left = max(0.0, (token.ends or 0.0) - self._machine.now())
            source = "token" if given else f"token of the login by {self.settings.method}"
            setting = "its ttl" if given else "token_ttl of the role"
            raise StoreDenied(
                f"the {source} ends in {left:.0f} s and cannot be renewed for longer; this work needs {seconds:.0f} s",
                vendor_code="token_ends",
                hint=f"Raise {setting} to {seconds:.0f} s or more, or the max_ttl of a renewable one.",
            )
        return token

    def _lasts(self, token: Token, seconds: float) -> bool:
        return token.ends is None or token.ends - self._machine.now() >= seconds

    def _given(self) -> Token:
        """Return the operator's token with its time; a token that may not look itself up is used as it is."""
        token = Token(self.settings.proof)
        self._refuse_wrapped()  # before the token is used, which a wrapped one allows once
        with self._connected(token) as client, suppress(StoreDenied):
            look = client.auth.token.lookup_self
            return asked(None, look, lambda answer: self._read(answer["data"], "id", "ttl")) or token
        return token

    def _refuse_wrapped(self) -> None:
        """Raise if the token or secret id is wrapped: it opens once, and this job runs again and again."""
        body = {"token": self.settings.proof.reveal()}
        found = None
        with self._connected(None) as client, suppress(StoreError):
            found = asked(None, lambda: client.adapter.post("/v1/sys/wrapping/lookup", json=body), str)
        if found is not None:
            what = "token" if self.settings.method == "token" else "secret id"
            raise StoreDenied(
                f"the {what} is a response-wrapping token, which opens once",
                vendor_code="wrapped",
                hint=f"Unwrap it where the job gets it, such as by `bao unwrap`, and give the job the {what} itself.",
            )

    def _renewed(self, token: Token, seconds: float) -> Token:
        with self._connected(token) as client, suppress(StoreDenied):
            return asked(client, lambda: client.auth.token.renew_self(f"{2 * seconds:.0f}s"), self._auth) or token
        return token

    def _log_in(self) -> Token:
        found, code = None, "no_mount"
        with self._connected(None) as client:
            call = self._login_call(client)
            try:
                found = asked(None, call, self._auth)
            except StoreUnavailable:
                raise
            except StoreError as refusal:
                code = str(refusal.vendor_code)
        if found is None and self.settings.method == "approle":
            self._refuse_wrapped()
        if found is None:
            raise StoreDenied(
                f"the login by {self.settings.method} was refused",
                vendor_code=code,
                hint="Check the role, the secret id or service account, and the path of the login method.",
            )
        return found

    def _login_call(self, client: hvac.Client) -> Callable[[], object]:
        vault = self.settings
        if vault.method == "approle":
            login = client.auth.approle.login
            return lambda: login(vault.role, vault.proof.reveal(), use_token=False, mount_point=vault.login_mount)
        try:
            jwt = Secret(Path(vault.jwt_file).read_text(encoding="utf-8").strip())
        except (OSError, UnicodeDecodeError):
            raise StoreDenied("the service account's token cannot be read", vendor_code="no_jwt") from None
        kubernetes = client.auth.kubernetes.login
        return lambda: kubernetes(vault.role, jwt.reveal(), use_token=False, mount_point=vault.login_mount)

    def _auth(self, answer: Any) -> Token:  # noqa: ANN401 - JSON
        return self._read(answer["auth"], "client_token", "lease_duration")

    def _read(self, fields: Any, value: str, seconds: str) -> Token:  # noqa: ANN401 - JSON
        left = float(fields[seconds])
        ends = self._machine.now() + left if left else None
        uses = int(fields.get("num_uses") or 0)  # 0 for any number
        return Token(Secret(str(fields[value])), ends, bool(fields.get("renewable")), uses or None)

    def _hear(self, response: Any, **_: object) -> None:  # noqa: ANN401 - of requests, which has no types
        if isinstance(self._clock, StoreClock):
            self._clock.heard(response.headers.get("Date"), response.elapsed.total_seconds())

    @contextmanager
    def _connected(self, token: Token | None, *, at_root: bool = False) -> Iterator[hvac.Client]:
        value = None if token is None else token.value
        client = self.settings.server.client(value, timeout=_TIMEOUT_SECONDS, at_root=at_root)
        with Watch(_EXCHANGE_SECONDS) as watch:
            bound(client.session, watch, limit=_ANSWER_LIMIT, seconds=_EXCHANGE_SECONDS)
            client.session.hooks["response"].append(self._hear)
            try:
                yield client
            finally:
                client.adapter.close()
