"""Turns an account document into a guarded driver, by the rules of the deployment.

The document names a driver, a user and the driver's own settings; everything else comes from the deployment. For
example, ``{"driver": "ucloud_compshare", "username": "root", "password": "…", "uhost_id": "…"}`` is bound to the
endpoint that the deployment allows, with the admin credential from the secret that the deployment names.
"""

from __future__ import annotations

import dataclasses
import math
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from rotation.core import settings
from rotation.core.clock import Clock
from rotation.core.document import PASSWORD, SecretDocument, documents, list_key
from rotation.core.errors import AdminRejected, ConfigError, RotationError, SettingsError, Withheld
from rotation.core.maintenance_window import ANYTIME
from rotation.core.secret import Secret
from rotation.core.values import Evidence, PowerWish, Task
from rotation.deployment.deployment import Deployment
from rotation.deployment.keys.admin_keys import EXPIRES_AT, expiry
from rotation.drivers import registry
from rotation.drivers.contract import DriverSpec, Wiring
from rotation.drivers.guarded import Guarded
from rotation.drivers.login_proof import LoginProof
from rotation.drivers.network import login_settings
from rotation.drivers.network.http_door import HttpDoor
from rotation.drivers.network.login_probe import LoginProbe, LoginTerms
from rotation.drivers.network.login_settings import host_key_pin
from rotation.drivers.tokens import MARGIN_SECONDS
from rotation.engine.identity.named import Named
from rotation.engine.identity.turns import named_with_other
from rotation.state.binding import Binding, of_batch

COMMON_KEYS = frozenset({"driver", "password", "lockstep"})
"""Keys of the account document that are no settings of a driver."""


def kept(
    documents: dict[str, SecretDocument], read: Callable[[str], SecretDocument], now: Callable[[], float]
) -> Callable[[str], SecretDocument]:
    """Return a ``fetch`` that reads each document once, and keeps it where the caller clears it after a failure.

    A credential whose life ends is read again, since another one may be there.
    """

    def fetch(name: str) -> SecretDocument:
        found = documents.get(name)
        if found is None or _ends(found) - now() <= MARGIN_SECONDS:
            found = documents[name] = read(name)
        return found

    return fetch


def _ends(document: SecretDocument) -> float:
    try:
        return expiry(document, "")
    except SettingsError:  # it is reported where the credential is used, and may be put right meanwhile
        return 0.0


@dataclass(slots=True, kw_only=True)
class Binder:
    """Turns account documents into guarded drivers; one per invocation.

    Attributes:
        fetch: reads another secret's current document, for the admin credential.
        time_left: seconds until this run must have ended.
        driver: the code of the driver that was bound last, for the log line.
        door: the HTTP door that was opened last; it knows the vendor's latest request id.
    """

    deployment: Deployment
    fetch: Callable[[str], SecretDocument]
    clock: Clock
    time_left: Callable[[], float]
    driver: str | None = None
    door: HttpDoor | None = None
    _wirings: dict[str, Wiring] = field(default_factory=dict)
    _expires: dict[str, float] = field(default_factory=dict)

    @property
    def vendor_request_id(self) -> str | None:
        """The vendor's request id of the latest reply."""
        return None if self.door is None else self.door.last_request_id

    def __call__(self, document: SecretDocument) -> Guarded:
        """Return the account that a document names, whatever its secret is bound to; sessions hold it against that."""
        return self.guarded(self.name(document), document)

    def name(self, document: SecretDocument) -> Named:
        """Return the account that a document names, with the one that takes turns with it; nothing is read or called.

        Raises:
            ConfigError: the deployment does not allow its driver or a login port, or a setting is wrong.
            SecretDocumentError: the document is not usable.
        """
        return named_with_other(document, self._name_one)

    def _name_one(self, document: SecretDocument) -> Named:
        spec = self.deployment.load(document)
        self.driver = spec.code
        username = document.text("username")
        used = {"driver", "username", PASSWORD, *(each.name for each in dataclasses.fields(spec.account))}
        require_no_stray_blanks("secret", {key: value for key, value in document.items() if key in used})
        _ = document.password  # a missing one is reported here, before any request is sent
        own = {key: value for key, value in document.items() if key not in COMMON_KEYS}
        account = settings.load(spec.account, own, where="secret", ignore_unknown=True)
        self.deployment.require_login_ports(login_settings.ports(account))
        learnt = _learned_host_key(document)
        pins = {"ssh": learnt} if learnt else {}
        pins |= login_settings.pins(account)
        by_host = bool(spec.login_probes) or self.deployment.login(spec, username) is not None
        return Named(spec=spec, account=account, username=username, pins=pins, by_host=by_host)

    def binding(self, document: SecretDocument) -> Binding:
        """Return what a secret with this document is bound to: one account, or all of a batch.

        Raises:
            RotationError: as ``name``.
        """
        key = list_key(document)
        each = [document] if key is None else documents(document, key)
        return of_batch([self.name(account).binding() for account in each])

    def guarded(self, named: Named, document: SecretDocument, *, wired: bool = True) -> Guarded:
        """Return the guarded driver of an account that a document names.

        Args:
            named: the account.
            document: what names it.
            wired: whether the vendor may be called; without it no admin credential is read, to compare accounts and to
                commit what is proved.

        Raises:
            RotationError: the document or the deployment is wrong, or the admin credential cannot be read.
        """
        spec, username = named.spec, named.username
        power = str(document.get("power", PowerWish.AS_FOUND.value))
        if power not in tuple(PowerWish):
            raise SettingsError("secret", (f"power must be one of {', '.join(PowerWish)}",))
        login, stated = self.deployment.login(spec, username), login_settings.pins(named.account)
        best = spec.evidence if login is None else Evidence.LOGIN
        kinds = spec.login_probes if login is None else {login.kind}
        terms = self.deployment.login_terms(spec.code)
        wiring = self._wiring(spec) if wired else None
        return Guarded(
            spec=spec,
            driver=_NotWired() if wiring is None else spec.factory(wiring),
            account=named.account,
            username=username,
            minimum=self.deployment.minimum.get(spec.code, best),
            time_left=self.time_left,
            logins=LoginProof(
                probes={kind: self._probe(kind, terms) for kind in kinds},
                configured=login,
                host_key=None if "ssh" in stated else named.pins.get("ssh"),
                certificate=None if "winrm" in stated else named.pins.get("winrm"),
                trust_first_use=self.deployment.trust_first_use,
                seconds=terms.seconds,
            ),
            power=PowerWish(power),
            window=self.deployment.windows.get(spec.code, ANYTIME),
            wishes=self.deployment.wishes(spec.code),
            known=() if wiring is None else _secret_values(wiring.admin),
            tokens=None if wiring is None else wiring.tokens,
        )

    def _probe(self, kind: str, terms: LoginTerms) -> LoginProbe:
        return registry.login_probe(kind, time_left=self.time_left, terms=terms, plugins=self.deployment.plugins)

    def _wiring(self, spec: DriverSpec) -> Wiring:
        """Return what this run's drivers of one code share; made again when its admin credential expires."""
        kept = self._wirings.get(spec.code)
        if kept is None or self._expires.get(spec.code, math.inf) - self.clock.now() <= MARGIN_SECONDS:
            kept = self._wirings[spec.code] = self._wire(spec)
        return kept

    def _wire(self, spec: DriverSpec) -> Wiring:
        endpoint = self.deployment.endpoint(spec)
        self.door = HttpDoor(
            frozenset({urlsplit(url).netloc for url in (*spec.endpoints, endpoint)} | set(self.deployment.hosts)),
            time_left=self.time_left,
            call_seconds=spec.call_seconds,
            request_id_header=spec.request_id_header,
            ca_file=self.deployment.ca_files.get(spec.code),
        )
        return Wiring(http=self.door, endpoint=endpoint, admin=self._admin(spec), now=self.clock.now)

    def _admin(self, spec: DriverSpec) -> Any:  # noqa: ANN401 - an instance of the spec's admin class
        name = self.deployment.admin_secret(spec)
        if spec.admin is None or name is None:
            return None
        where = f"admin secret of {spec.code}"

        def explained(error: RotationError) -> RotationError:
            named = error if isinstance(error, SettingsError) else error.prefixed(where)  # a SettingsError says where
            key = f"LOCKSTEP_{spec.code.upper()}_ADMIN_SECRET"
            return named.with_hint(f"Check the secret that {key} names, and the right to read it.")

        with Withheld(RotationError, by=explained):
            document = self.fetch(name)
            require_no_stray_blanks(where, document)
            self._expires[spec.code] = expiry(document, where)
            if self._expires[spec.code] <= self.clock.now():
                raise AdminRejected(f"the admin credential has expired by its own {EXPIRES_AT}", unsent=True)
            own = {key: value for key, value in document.items() if key != EXPIRES_AT}
            return settings.load(spec.admin, own, where=where)


class _NotWired:
    """The driver of an account that is bound without its admin credential."""

    def set_password(self, account: object, new: Secret, *, current: Secret | None) -> Task | None:
        """Refuse: nothing is ever sent."""
        del account, new, current
        raise ConfigError("this account was bound without its admin credential, so nothing can be sent")


def _learned_host_key(document: SecretDocument) -> str | None:
    """Return the SSH host's key that an earlier rotation has learned and noted in the document."""
    key = document.notes.host_key
    return key if key is not None and host_key_pin(key) is None else None


def _secret_values(admin: Any) -> tuple[Secret, ...]:  # noqa: ANN401 - an instance of the spec's admin class
    if admin is None:
        return ()
    values = (getattr(admin, each.name) for each in dataclasses.fields(admin))
    return tuple(value for value in values if isinstance(value, Secret) and value)


def require_no_stray_blanks(where: str, document: Mapping[str, object]) -> None:
    """Refuse texts that begin or end with a blank, such as the line end of a file, before a login is spent on one.

    Raises:
        SettingsError: names the keys.
    """
    texts = {key: value.reveal() if isinstance(value, Secret) else value for key, value in document.items()}
    blanks = string.whitespace + "\ufeff\u200b\u00a0"
    stray = [key for key, text in texts.items() if isinstance(text, str) and text and text != text.strip(blanks)]
    if stray:
        raise SettingsError(where, tuple(f"{key!r} begins or ends with a blank or a line end" for key in stray))
