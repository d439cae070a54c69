"""What a deployment allows: ``lockstep.toml``, overridden key by key by the ``LOCKSTEP_*`` variables.

The rotated secret may choose only among what a deployment allows: anyone who can write a secret's value is assumed to
be an attacker, who must not be able to send a reset or a login to a server of their own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from rotation.core.document import SecretDocument
from rotation.core.errors import (
    ConfigError,
    DriverNotAllowed,
    HostNotAllowed,
    PolicyError,
    PortNotAllowed,
    SettingsError,
)
from rotation.core.maintenance_window import Windows
from rotation.core.values import Authority, Evidence, Lockout, LoginTarget
from rotation.deployment import forms, sources
from rotation.deployment.announcing.settings import Events
from rotation.deployment.configuration import Configuration, read
from rotation.deployment.forms import Faults
from rotation.deployment.kv_job import KvJob
from rotation.deployment.setting import Scope, declare, declared
from rotation.drivers import registry
from rotation.drivers.contract import DriverSpec
from rotation.drivers.network.login_probe import DEFAULT_TERMS, LoginTerms, SshProof
from rotation.drivers.network.login_settings import DEFAULT_PORTS
from rotation.policy import PasswordWishes
from rotation.policy.model import LONGEST
from rotation.state.binding import BindingMode

_HINT = "`lockstep config check` lists all faults, and docs/settings.md every key."


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """The deployment's settings. Each field declares one, so that a new setting is a new field here.

    A field whose scope is not ``ALL`` is a mapping by the driver's code, without the drivers that have no value.
    """

    drivers: tuple[str, ...] = declare(
        "drivers",
        forms.several(forms.CODE),
        "Codes of the drivers that secrets may name; `lockstep drivers` lists them.",
        otherwise="required",
        example=["ucloud_compshare", "huawei_meeting"],
    )
    plugins: tuple[str, ...] = declare(
        "plugins",
        forms.several(forms.ANY_TEXT),
        "Installed packages whose drivers may be loaded.",
        default=(),
        otherwise="none",
        example=["rotation-driver-example"],
    )
    hosts: tuple[str, ...] = declare(
        "hosts",
        forms.several(forms.HOST),
        "Hosts, with or without a port, that Lockstep may call besides the vendors' own.",
        default=(),
        otherwise="none",
        example=["proxy.example:8443"],
    )
    minimum: Mapping[str, Evidence] = declare(
        "min_evidence",
        forms.EVIDENCE,
        "The weakest proof that counts: LOGIN, READBACK or ACCEPTED.",
        scope=Scope.BOTH,
        otherwise="each driver's best",
        example="LOGIN",
    )
    early: bool = declare(
        "commit",
        forms.choice(finish=False, early=True),
        "The step in which a proved password becomes current. `finish`: finishSecret. `early`: setSecret, so that "
        "readers do not wait for the service's pauses between the steps.",
        default=False,
        otherwise="finish",
        example="early",
    )
    trust_first_use: bool = declare(
        "ssh_trust_on_first_use",
        forms.SWITCH,
        "Whether createSecret reads the SSH host's key before any login and pins it, for a secret without `host_key`.",
        default=False,
        otherwise="false",
        example=True,
    )
    ssh_proofs: Mapping[str, SshProof] = declare(
        "ssh_proof",
        forms.choice(**{each.value: each for each in SshProof}),
        "What an SSH host must do after it has accepted a password, to prove it. `exec`: run `exit 0`. `sftp`: answer "
        "as the SFTP subsystem. `login`: nothing more, for hosts that allow neither.",
        scope=Scope.BOTH,
        otherwise="exec",
        example="sftp",
    )
    login_seconds: Mapping[str, int] = declare(
        "login_seconds",
        forms.whole(3, 800),
        "How many seconds one login over SSH or WinRM may take; the function's time-out must be longer.",
        scope=Scope.BOTH,
        otherwise="20",
        example=40,
    )
    winrm_basic: bool = declare(
        "winrm_basic",
        forms.SWITCH,
        "Whether to log in to a WinRM host that offers only Basic. Basic shows the host the password itself.",
        default=False,
        otherwise="false",
        example=True,
    )
    binding: BindingMode | None = declare(  # noqa: RUF009 - declares a field
        "binding",
        forms.BINDING,
        "`required`: a secret is rotated only if it is bound to its account (`lockstep enroll`). `pin`: the first "
        "proved rotation binds the secret. `off`: a secret needs no binding. An existing binding always holds.",
        otherwise="required if an API key resets the account; off if the account changes its own password",
        example="required",
    )
    login_ports: tuple[str, ...] = declare(
        "login_ports",
        forms.several(forms.LOGIN_PORT),
        "Ports that secrets may name for logins, besides ssh:22 and winrm:5986.",
        default=(),
        otherwise="none",
        example=["ssh:2222", "winrm:15986"],
    )
    windows: Mapping[str, Windows] = declare(
        "window",
        forms.WINDOW,
        "When a reset may begin, in UTC; `;` separates several spans. `any` means at any time. Repairs never wait.",
        scope=Scope.BOTH,
        otherwise="any",
        example="Sat,Sun 02:00-05:00 UTC",
    )
    admin_secrets: Mapping[str, str] = declare(
        "admin_secret",
        forms.SECRET_NAME,
        "Name or ARN of the secret with the admin credential; for the job over KV a path in the mount.",
        scope=Scope.DRIVER,
        otherwise="required if the driver needs one",
        example="admin/ucloud",
    )
    endpoints: Mapping[str, str] = declare(
        "endpoint",
        forms.BASE_URL,
        "Base URL of the vendor's API. If the host is not the vendor's own, add it to `hosts`, too.",
        scope=Scope.DRIVER,
        otherwise="the driver's own",
        example="https://api.example",
    )
    ca_files: Mapping[str, str] = declare(
        "ca_file",
        forms.ANY_TEXT,
        "PEM file of the authorities for the certificate of the vendor's endpoint. It replaces the public authorities, "
        "for a proxy that inspects TLS or an endpoint of your own. For the function it is a path in its package.",
        scope=Scope.BOTH,
        otherwise="the public authorities",
        example="/etc/ssl/corporate.pem",
    )
    logins: Mapping[str, LoginTarget] = declare(
        "login",
        forms.LOGIN,
        "A host whose login proves the passwords, if the vendor has no login check: KIND://host[:port][/database]. "
        "KIND is ssh, winrm, mysql, postgresql, redis, or a kind of a plug-in.",
        scope=Scope.DRIVER,
        otherwise="none",
        example="ssh://portal.example",
    )
    login_host_keys: Mapping[str, str] = declare(
        "login_host_key",
        forms.ANY_TEXT,
        "The SSH key of the host in `login`, as in known_hosts but without the host, or the fingerprint of its "
        "certificate.",
        scope=Scope.DRIVER,
        otherwise="none",
        example="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",
    )
    login_ca_file: str | None = declare(
        "login_ca_file",
        forms.ANY_TEXT,
        "PEM file of the authorities for the certificates of database servers. It replaces the system's authorities. A "
        "server whose certificate none of them signed needs a pinned certificate.",
        otherwise="the system's authorities",
        example="/opt/rds-ca.pem",
    )
    login_plain_hosts: tuple[str, ...] = declare(
        "login_plain_hosts",
        forms.several(forms.PLAIN_HOST),
        "Database hosts that Lockstep may log in to without TLS, because something else protects the network. This "
        "machine is always one, unless `login_ca_file` is set.",
        default=(),
        otherwise="none",
        example=["10.0.0.7"],
    )
    propagation: Mapping[str, int] = declare(
        "propagation_seconds",
        forms.whole(0, 999),
        "For how many seconds after a reset the new password may not work yet. Set it only if you measured it.",
        scope=Scope.DRIVER,
        otherwise="the driver's own, which is cautious",
        example=30,
    )
    calls: Mapping[str, int] = declare(
        "call_seconds",
        forms.whole(2, 120),
        "How many seconds one request to the vendor's API may take; the function's time-out must be longer.",
        scope=Scope.DRIVER,
        otherwise="the driver's own, mostly 15",
        example=30,
    )
    lockouts: Mapping[str, Lockout] = declare(
        "lockout",
        forms.LOCKOUT,
        "The rule that locks an account. With `3/900` the third wrong login locks it, and each counts for 900 seconds.",
        scope=Scope.DRIVER,
        otherwise="the driver's own; for logins to hosts pam_faillock's",
        example="3/900",
    )
    password_length: Mapping[str, int] = declare(
        "password_length",
        forms.whole(1, LONGEST),
        "Length of new passwords, within the vendor's bounds. A secret's tag `lockstep:length` (custom metadata "
        "`lockstep-length`) overrides it. The same holds for the other settings that begin with `password_`.",
        scope=Scope.BOTH,
        otherwise="the driver's own, mostly the longest",
        example=24,
    )
    password_exclude: Mapping[str, str] = declare(
        "password_exclude",
        forms.EXCLUDE,
        "Characters that new passwords must not have, taken literally.",
        scope=Scope.BOTH,
        otherwise="none",
        example="0OIl1",
    )
    password_shell_safe: Mapping[str, bool] = declare(
        "password_shell_safe",
        forms.SWITCH,
        "Whether new passwords have only characters that need no quotes in a shell.",
        scope=Scope.BOTH,
        otherwise="false",
        example=True,
    )
    password_url_safe: Mapping[str, bool] = declare(
        "password_url_safe",
        forms.SWITCH,
        "Whether new passwords have only characters that need no encoding in a URL.",
        scope=Scope.BOTH,
        otherwise="false",
        example=True,
    )
    password_classes: Mapping[str, tuple[str, ...]] = declare(
        "password_classes",
        forms.CLASSES,
        "Classes of characters that must occur in new passwords, such as `lower, upper, digit, special`, or `none`.",
        scope=Scope.BOTH,
        otherwise="each class that the vendor allows, except a class that costs half a bit or more",
        example="upper, digit",
    )
    events: Events = dataclasses.field(default_factory=Events)
    """Where events go: the table ``[events]``."""
    trusted_values: bool = False
    """Whether only the operator writes values, as those of a static role. They need no binding, and name any port."""

    seal_secret: str | None = declare(
        "seal_secret",
        forms.SECRET_NAME,
        "For Secrets Manager: name or ARN of the secret with the key that seals candidates, or `off`. With `off`, "
        "Lockstep also uses a candidate that somebody else wrote under AWSPENDING.",
        otherwise="required for Secrets Manager",
        example="lockstep-seal",
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Deployment:
        """Read ``lockstep.toml`` and the ``LOCKSTEP_*`` variables; see ``sources`` for where the file is looked for.

        Raises:
            SettingsError: lists every fault at once.
            ConfigError: the file cannot be read.
        """
        return cls.of(configured(environment))

    @classmethod
    def of(cls, configuration: Configuration) -> Deployment:
        """Return what a configuration says.

        Raises:
            SettingsError: lists every fault at once.
        """
        values = {name: configuration.value(setting) for name, setting in declared(cls).items()}
        given = {name: value for name, value in values.items() if value is not None}
        given["logins"], faults = _logins(configuration, given)
        events = Events.of(configuration)
        given["events"] = events
        faults = (*configuration.faults, *faults, *events.faults())
        if not given.get("drivers") and not faults:
            faults = ("LOCKSTEP_DRIVERS names no driver",)
        if faults:
            raise SettingsError(configuration.where, faults, hint=_HINT)
        return cls(**given)

    def load(self, document: SecretDocument) -> DriverSpec:
        """Return the record of the driver that a document names, if the deployment allows it."""
        code = document.text("driver")
        if code not in self.drivers:
            raise DriverNotAllowed(f"the secret names a driver that is not among {', '.join(self.drivers)}")
        spec = registry.load_driver(code, self.plugins)
        stated = dataclasses.replace(
            spec,
            propagation_seconds=self.propagation.get(code, spec.propagation_seconds),
            call_seconds=self.calls.get(code, spec.call_seconds),
            lockout=self.lockouts.get(code, spec.lockout),
            authority=Authority.ADMIN if spec.admin_resets and code in self.admin_secrets else spec.authority,
        )
        return spec if stated == spec else stated

    def wishes(self, code: str) -> PasswordWishes:
        """Return what is asked of new passwords of a driver."""
        return PasswordWishes(**{name: getattr(self, setting).get(code) for name, setting in _WISHES.items()})

    def require_wishes(self, spec: DriverSpec) -> None:
        """Refuse wishes for passwords that none of a driver's policies can meet.

        Raises:
            PolicyError: of the last policy.
        """
        wishes, refused = self.wishes(spec.code), None
        for policy in spec.policies.values():
            try:
                wishes.applied(policy)
            except PolicyError as error:
                refused = error
            else:
                return
        if refused is not None:
            raise refused.changed()

    def login_terms(self, code: str) -> LoginTerms:
        """Return how logins to a driver's hosts are made."""
        return LoginTerms(
            seconds=self.login_seconds.get(code, DEFAULT_TERMS.seconds),
            ssh_proof=self.ssh_proofs.get(code, DEFAULT_TERMS.ssh_proof),
            ca_file=self.login_ca_file,
            plain=frozenset(self.login_plain_hosts),
            winrm_basic=self.winrm_basic,
        )

    def binding_of(self, spec: DriverSpec) -> BindingMode:
        """Return what is demanded of the secrets of a driver."""
        if self.trusted_values or self.binding is not None:
            return self.binding or BindingMode.OFF
        return BindingMode.REQUIRED if spec.authority is Authority.ADMIN else BindingMode.OFF

    def require_login_ports(self, chosen: Mapping[str, int]) -> None:
        """Refuse a login port, by kind of login, that is neither the default nor allowed.

        Raises:
            PortNotAllowed: names the kind.
        """
        for kind, port in chosen.items():
            if not (self.trusted_values or port == DEFAULT_PORTS[kind] or f"{kind}:{port}" in self.login_ports):
                raise PortNotAllowed(f"the secret's {kind} port is not in LOCKSTEP_LOGIN_PORTS")

    def login(self, spec: DriverSpec, username: str) -> LoginTarget | None:
        """Return where a login proves a password of a vendor without a login check; ``None`` where none is named."""
        login = self.logins.get(spec.code)
        if login is not None and spec.evidence is Evidence.LOGIN:
            raise SettingsError("environment", (f"LOCKSTEP_{spec.code.upper()}_LOGIN is for drivers without logins",))
        return None if login is None else dataclasses.replace(login, username=username)

    def admin_secret(self, spec: DriverSpec) -> str | None:
        """Return the name of the secret with the driver's admin credential; ``None`` where the driver needs none."""
        if spec.admin is None:
            return None
        name = self.admin_secrets.get(spec.code)
        if name is None and not spec.admin_optional:
            key = f"LOCKSTEP_{spec.code.upper()}_ADMIN_SECRET"
            raise SettingsError("environment", (f"{key} is missing (the secret with the admin credential)",))
        return name

    def faults(self) -> tuple[str, ...]:
        """Return what a rotation would find wrong, for all drivers at once; the drivers are loaded for it."""
        absent = tuple(
            f"plugins: {each} is not installed, or brings no driver" for each in registry.absent(self.plugins)
        )
        return absent + tuple(fault for code in self.drivers for fault in self._faults_of(code))

    def _faults_of(self, code: str) -> Iterator[str]:
        try:
            spec = self.load(SecretDocument({"driver": code}))
        except ConfigError as error:
            yield str(error)
            return
        for look in (self.endpoint, self.admin_secret, lambda each: self.login(each, "anybody"), self.require_wishes):
            try:
                look(spec)
            except ConfigError as error:
                yield str(error)

    def endpoint(self, spec: DriverSpec) -> str:
        """Return the base URL to call: one of the vendor's, or one whose host is in ``hosts``."""
        endpoint = self.endpoints.get(spec.code, spec.endpoint)
        if endpoint.rstrip("/") not in spec.endpoints and urlsplit(endpoint).netloc not in self.hosts:
            raise HostNotAllowed(f"the endpoint of {spec.code} is neither the vendor's nor in LOCKSTEP_HOSTS")
        return endpoint.rstrip("/")


def configured(environment: Mapping[str, str]) -> Configuration:
    """Read all settings from the file that an environment leads to, if there is one, and from its variables.

    Raises:
        ConfigError: the file cannot be read. Faults of settings are in ``faults``.
    """
    return read(SETTINGS, environment, sources.found(environment))


def _logins(configuration: Configuration, given: Mapping[str, Any]) -> tuple[dict[str, LoginTarget], Faults]:
    """Return the places to log in, each with its kind's port and the proof of its host, and the faults."""
    logins, keys, faults = dict(given["logins"]), given["login_host_keys"], []
    plugins = given.get("plugins", ())
    for code in sorted({*logins, *keys}):
        target, key = logins.get(code), keys.get(code)
        if target is None:
            faults.append(f"{configuration.origin(f'driver.{code}.login_host_key')} needs a login beside it")
            continue
        try:
            kind = registry.login_kind(target.kind, plugins)
        except ConfigError as error:
            faults.append(f"{configuration.origin(f'driver.{code}.login')} names no login probe. {error.hint}")
            continue
        if target.database and not kind.databases:
            faults.append(f"{configuration.origin(f'driver.{code}.login')} must have no path")
        problem = kind.pin(key) if key else None
        if problem:
            faults.append(f"{configuration.origin(f'driver.{code}.login_host_key')} {problem}")
        logins[code] = dataclasses.replace(target, port=target.port or kind.port, host_key=key)
    return logins, tuple(faults)


def wishes_in(configuration: Configuration, code: str) -> PasswordWishes:
    """Return what a configuration asks of new passwords of a driver, also where the rest of it is faulty."""
    found = {}
    for name, setting in _WISHES.items():
        own = configuration.of(f"driver.{code}.{setting}")
        found[name] = configuration.of(setting) if own is None else own
    return PasswordWishes(**found)


_WISHES = {each.name: f"password_{each.name}" for each in dataclasses.fields(PasswordWishes)}
"""The setting of each wish."""

SETTINGS = (*declared(Deployment).values(), *declared(Events).values(), *declared(KvJob).values())
"""Every setting of every face."""
