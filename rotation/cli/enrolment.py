"""Binds secrets to their accounts, in any store: show what a value names, ask, write the binding.

Writing the same binding twice is harmless, so a list that was interrupted is just enrolled again.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from shlex import quote

import typer

from rotation.cli.exit_codes import DONE, FAILED, NEEDS_HUMAN, CommandUsageError, exit_code, worst
from rotation.cli.output import console, emit, note, show_error
from rotation.core.document import SecretDocument, documents, list_key
from rotation.core.errors import BindingMismatch, InternalError, Interrupted, RotationError, SecretNotFound
from rotation.core.event import Announce, EventKind
from rotation.core.process import stop
from rotation.deployment.announcing.announcer import Announcer
from rotation.deployment.binder import Binder
from rotation.drivers.network.login_settings import ports
from rotation.engine.identity.named import Named
from rotation.state.binding import Binding, BindingMode
from rotation.state.store import Store

_COLUMNS = ("secret_id", "driver", "account")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A secret to enrol.

    Attributes:
        name: its name, ARN or path.
        driver: the driver that is expected; empty for any.
        account: the account that is expected, as ``enroll --show`` prints it; empty for any.
    """

    name: str
    driver: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """What a secret's value names, and what the secret is bound to.

    Attributes:
        named: the accounts, more than one for a batch.
        binding: what enrolling would bind the secret to.
        held: the text of the binding that it has.
        mode: what the deployment demands.
        current_id: the version that was read.
        announce: announces the enrolment.
    """

    store: Store
    named: tuple[Named, ...]
    binding: Binding
    held: str | None
    mode: BindingMode
    current_id: str | None
    announce: Announce

    @classmethod
    def of(cls, store: Store, binder: Binder, secret: Callable[[], str]) -> Enrolment:
        """Read a secret; only its current value counts.

        Args:
            store: the secret.
            binder: names the accounts, and has the deployment's settings.
            secret: returns the secret's name for events.

        Raises:
            RotationError: it cannot be read, or its value names no account that the deployment allows.
        """
        state = store.describe()
        value = store.read(state.current_id) if state.current_id else None
        if value is None:
            raise SecretNotFound("the secret has no current value")
        named = tuple(map(binder.name, _accounts(value.document)))
        mode = binder.deployment.binding_of(named[0].spec)
        return cls(
            store=store,
            named=named,
            binding=binder.binding(value.document),
            held=state.binding,
            mode=mode,
            current_id=state.current_id,
            announce=Announcer.of(binder, secret),
        )

    @property
    def status(self) -> str:
        """``bound``, ``bound_otherwise`` or ``not_bound``."""
        if self.held is None:
            return "not_bound"
        return "bound" if self._is_the_same(self.held) else "bound_otherwise"

    def _is_the_same(self, held: str) -> bool:
        return held == self.binding.text()

    def require(self, wanted: Wanted) -> None:
        """Raise unless the value names the account that is expected.

        Raises:
            BindingMismatch: it names another one.
        """
        if wanted.driver not in ("", self.binding.driver) or wanted.account not in ("", self.binding.note):
            raise BindingMismatch(
                "the secret's value names another account than the list does",
                hint=f"Compare the list with `lockstep enroll --show {quote(wanted.name)}`.",
            )

    def require_shown(self, shown: str | None) -> None:
        """Raise unless this binding is the one that a human was shown: the value may have been written since.

        Raises:
            BindingMismatch: it is another one, or none was shown.
        """
        if self.binding.text() != shown:
            raise BindingMismatch(
                "the value was written since it was shown, and names another account or host; nothing is bound",
                hint="Look at the value with --show, find out who wrote it, and enroll again.",
            )

    def describe(self) -> dict[str, object]:
        """Return the fields for ``--json``."""
        return {
            "driver": self.binding.driver,
            "account": self.binding.note,
            "logins": list(self.logins()),
            "demanded": self.mode.value,
            "binding": self.held,
        }

    def logins(self) -> Iterator[str]:
        """Yield where logins go and how the host is known, as far as the value says so."""
        yield from map(logins, self.named)


def logins(named: Named) -> str:
    """Return where an account's logins go and how the host is known, as far as its value says so."""
    return ", ".join([*_places(named), *_pins(named)]) or "by the vendor's own login, or where the vendor says"


def _accounts(document: SecretDocument) -> list[SecretDocument]:
    key = list_key(document)
    return [document] if key is None else documents(document, key)


def _places(named: Named) -> Iterator[str]:
    if named.spec.login_probes:
        yield from (f"{kind} port {port}" for kind, port in ports(named.account).items())


def _pins(named: Named) -> Iterator[str]:
    for kind, pin in named.pins.items():
        yield f"host key {fingerprint(pin)}" if kind == "ssh" else f"certificate {pin}"
    if named.by_host and not named.pins:
        yield "no host key or certificate"


def fingerprint(key: str) -> str:
    """Return the fingerprint as OpenSSH prints it."""
    kind, encoded = key.split()[:2]
    padded = encoded.rstrip("=") + "=" * (-len(encoded.rstrip("=")) % 4)
    digest = hashlib.sha256(base64.b64decode(padded)).digest()
    return f"{kind} SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """What a command does with each secret.

    Attributes:
        yes: enrol without asking.
        show: only show.
        as_json: print JSON.
    """

    yes: bool
    show: bool
    as_json: bool


def enroll_or_show(enrolment: Enrolment, secret: Mapping[str, object], how: How) -> int:
    """Carry out a command for one secret; ``secret`` has the fields by which ``--json`` names it."""
    if how.show:
        return show_one(enrolment, secret, as_json=how.as_json)
    return enroll_one(enrolment, secret, yes=how.yes, as_json=how.as_json)


def show_one(enrolment: Enrolment, secret: Mapping[str, object], *, as_json: bool) -> int:
    """Show what a secret is bound to; return NEEDS_HUMAN where a rotation would be refused."""
    status = enrolment.status
    if as_json:
        emit({**secret, "outcome": status, **enrolment.describe()})
    else:
        _show(enrolment)
        console().print(f"binding: {status.replace('_', ' ')} ({enrolment.mode.value} by the deployment)")
    missing = status == "not_bound" and enrolment.mode is BindingMode.REQUIRED
    return NEEDS_HUMAN if missing or status == "bound_otherwise" else DONE


def enroll_one(enrolment: Enrolment, secret: Mapping[str, object], *, yes: bool, as_json: bool) -> int:
    """Ask, and write the binding; return FAILED if the answer is no."""
    before = enrolment.status
    if before != "bound":
        if not yes:
            _require_terminal(as_json=as_json)
            _show(enrolment)
        if not yes and not typer.confirm("Bind the secret to this account?", err=True):
            note("nothing was changed")
            return FAILED
        enrolment.store.enroll(enrolment.binding.text())
        enrolment.announce(EventKind.ENROLLED, enrolment.current_id)
    outcome = "unchanged" if before == "bound" else "enrolled"
    if as_json:
        fields = {**enrolment.describe(), "binding": enrolment.binding.text()}
        emit({**secret, "outcome": outcome, **fields})
    else:
        names = " ".join(str(each) for each in secret.values())
        console().print(f"{names}: {outcome}: {enrolment.binding.driver} {enrolment.binding.note}")
    return DONE


def enroll_list(path: Path, look: Callable[[str], Enrolment], key: str, how: How) -> int:
    """Enrol every secret of a list, one line each; one that fails stops no other.

    Args:
        path: a CSV file with the columns ``secret_id`` and, if wanted, ``driver`` and ``account``.
        look: reads a secret.
        key: names the secret in ``--json``.
        how: what to do with each.
    """
    wanted, shown = read_list(path), dict[str, str]()
    asks = not how.yes and not how.show
    if asks:
        _require_terminal(as_json=how.as_json)
        _each(wanted, look, key, partial(_list, shown), as_json=how.as_json)
        if not typer.confirm(f"Bind these {len(wanted)} secrets?", err=True):
            note("nothing was changed")
            return FAILED

    def act(found: Enrolment, secret: Mapping[str, object]) -> int:
        if asks:
            found.require_shown(shown.get(str(secret[key])))
        return enroll_or_show(found, secret, replace(how, yes=True))

    return _each(wanted, look, key, act, as_json=how.as_json)


def _each(
    wanted: Sequence[Wanted],
    look: Callable[[str], Enrolment],
    key: str,
    act: Callable[[Enrolment, Mapping[str, object]], int],
    *,
    as_json: bool,
) -> int:
    codes = []
    with stop.work():
        for each in wanted:
            if stop.requested():
                break
            codes.append(_one(each, look, key, act, as_json=as_json))
    if len(codes) < len(wanted):
        raise Interrupted(
            f"stopped after {len(codes)} of {len(wanted)} secrets",
            hint="The same command continues; none is bound twice.",
        )
    return worst(codes)


def _one(
    wanted: Wanted,
    look: Callable[[str], Enrolment],
    key: str,
    act: Callable[[Enrolment, Mapping[str, object]], int],
    *,
    as_json: bool,
) -> int:
    try:
        found = look(wanted.name)
        found.require(wanted)
        return act(found, {key: wanted.name})
    except RotationError as error:
        failure = error
    except Exception as foreign:  # noqa: BLE001 - its text may hold a value, so only its type gets out
        failure = InternalError.of(foreign)
    if as_json:
        emit({key: wanted.name, "outcome": failure.code, "error": failure.describe()})
    else:
        show_error(failure.prefixed(wanted.name), as_json=False)
    return exit_code(failure)


def read_list(path: Path) -> list[Wanted]:
    """Read a list of secrets.

    Raises:
        CommandUsageError: it cannot be read, lacks the column ``secret_id``, or names no secret.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            unknown = set(reader.fieldnames or ()) - set(_COLUMNS)
            if "secret_id" not in (reader.fieldnames or ()) or unknown:
                raise CommandUsageError(
                    "the list's first line must name the column secret_id, and no others than driver and account"
                )
            rows = [{name: (row.get(name) or "").strip() for name in _COLUMNS} for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CommandUsageError(f"the list cannot be read ({type(error).__name__})") from None
    named = [
        Wanted(name=row["secret_id"], driver=row["driver"], account=row["account"]) for row in rows if row["secret_id"]
    ]
    if not named:
        raise CommandUsageError("the list names no secret")
    return named


def _require_terminal(*, as_json: bool) -> None:
    if as_json or not sys.stdin.isatty():
        raise CommandUsageError("nobody can be asked here", hint="Look at the account with --show, then add --yes.")


def _list(shown: dict[str, str], enrolment: Enrolment, secret: Mapping[str, object]) -> int:
    """Show one of a list, and note what was shown."""
    shown[str(next(iter(secret.values())))] = enrolment.binding.text()
    console().print(f"{next(iter(secret.values()))}: {enrolment.binding.driver} {enrolment.binding.note}")
    return DONE


def _show(enrolment: Enrolment) -> None:
    out = console()
    out.print(f"driver: {enrolment.binding.driver}")
    for named, login in zip(enrolment.named, enrolment.logins(), strict=True):
        out.print(f"account: {named.binding().note}")
        out.print(f"  logins: {login}")
