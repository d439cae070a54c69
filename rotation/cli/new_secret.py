"""Makes a secret for an account, in any store: ask for its keys, read the host's key, log in once, put the value.

Each step is an option, too, so that a script can do the same; the password comes from standard input or a prompt.
Nothing is written before the login has shown that the password works. After a stop later on, enrol again: a
secret that exists is not made again, and the rest continues from there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import typer

from rotation.cli.enrolment import fingerprint, logins
from rotation.cli.exit_codes import CommandUsageError
from rotation.cli.output import console, note
from rotation.core import settings
from rotation.core.document import PASSWORD, SecretDocument
from rotation.core.errors import HostKeyChanged, LoginRejected
from rotation.core.secret import Secret
from rotation.core.values import Observation, Verdict
from rotation.deployment.binder import Binder
from rotation.drivers.contract import DriverSpec
from rotation.drivers.guarded import Guarded
from rotation.drivers.network.login_settings import pin_fields

_NO_CHECK = "no login was possible here, so it is unknown whether the password works; the first rotation finds out"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSecret:
    """What the options say about a secret that is to be made.

    Attributes:
        driver: the code; empty to ask for it.
        keys: ``KEY=VALUE`` of the account document.
        host_key: the fingerprint that the SSH host must show; empty to ask.
        from_stdin: whether the password is the first line of standard input.
        yes: make it without asking.
    """

    driver: str = ""
    keys: Sequence[str] = ()
    host_key: str = ""
    from_stdin: bool = False
    yes: bool = False

    @property
    def wanted(self) -> bool:
        """Whether any of it was given."""
        return bool(self.driver or self.keys or self.host_key or self.from_stdin)


def make(wish: NewSecret, binder: Binder, create: Callable[[SecretDocument], None]) -> str | None:
    """Make the secret; return the text of the binding that was agreed to, ``None`` if the answer was no.

    Args:
        wish: what the options say; the rest is asked for, where somebody can be.
        binder: names accounts and calls vendors, by the deployment.
        create: puts the secret's first value.

    Raises:
        CommandUsageError: something is missing, and nobody can be asked.
        LoginRejected: the password does not open the account; nothing was written.
        RotationError: the deployment does not allow it, or the vendor could not be asked; nothing was written.
    """
    spec = binder.deployment.load(SecretDocument({"driver": wish.driver or _asked("driver", "driver's code")}))
    document = _document(spec, wish)
    bound = binder(document)
    seen = bound.observe()
    document, bound = _with_host_key(document, bound, seen, wish)
    checked = _checked(bound, seen, document.password)
    named = binder.name(document)
    out = console(sys.stderr)
    out.print(f"driver: {spec.code}\naccount: {named.binding().note}\n  logins: {logins(named)}\n  {checked}")
    if not wish.yes and not typer.confirm("Make the secret for this account?", err=True):
        note("nothing was changed")
        return None
    create(document)
    return binder.binding(document).text()


def _document(spec: DriverSpec, wish: NewSecret) -> SecretDocument:
    given = _given(wish.keys)
    required = {"username": "the account's name"}
    required |= {str(row["name"]): str(row["help"]) for row in settings.table(spec.account) if row["required"]}
    missing = [f"{key} ({help_})" for key, help_ in required.items() if key not in given]
    if missing and not sys.stdin.isatty():
        raise CommandUsageError(f"missing: {'; '.join(missing)}", hint="Give each as --set KEY=VALUE.")
    asked = {key: _asked(key, help_) for key, help_ in required.items() if key not in given}
    return SecretDocument({"driver": spec.code, **given, **asked, PASSWORD: _password(from_stdin=wish.from_stdin)})


def _given(keys: Sequence[str]) -> dict[str, str]:
    pairs = [each.partition("=") for each in keys]
    if not all(key and sign for key, sign, _ in pairs):
        raise CommandUsageError("--set takes KEY=VALUE", hint="For example --set username=root.")
    if any(key in (PASSWORD, "driver") for key, _, _ in pairs):
        raise CommandUsageError(
            "the password is no argument, since others could read it there",
            hint="Use the prompt, or --password-stdin; the driver is --driver.",
        )
    return {key: value for key, _, value in pairs}


def _asked(key: str, help_: str) -> str:
    if not sys.stdin.isatty():
        raise CommandUsageError(f"{key} is missing, and nobody can be asked here", hint=f"Give {key} as an option.")
    answer: str = typer.prompt(f"{key} ({help_})", err=True)
    return answer.strip()


def _password(*, from_stdin: bool) -> Secret:
    if from_stdin:
        text = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        text = typer.prompt("the account's password, as it is now", hide_input=True, err=True)
    else:
        raise CommandUsageError("the password is missing", hint="Write it to standard input, with --password-stdin.")
    if not text:
        raise CommandUsageError("the password is empty")
    return Secret(text)


def _with_host_key(
    document: SecretDocument, bound: Guarded, seen: Observation, wish: NewSecret
) -> tuple[SecretDocument, Guarded]:
    """Pin the key that the SSH host shows, once somebody has compared it; a value that names one keeps it."""
    field = next((name for name, kind in pin_fields(bound.account).items() if kind == "ssh"), None)
    if field is None or getattr(bound.account, field):
        return document, bound
    trusting = replace(bound, logins=replace(bound.logins, trust_first_use=True)).trusting(seen)
    key = trusting.host_key
    if not key or key == bound.host_key:
        return document, bound
    shown = fingerprint(key)
    if wish.host_key:
        if wish.host_key.split()[-1] != shown.split()[-1]:
            raise HostKeyChanged(
                f"the host shows {shown}, which is not the one that was given; no password was sent",
                hint="Compare with `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the host itself.",
            )
    elif not sys.stdin.isatty():
        raise CommandUsageError(
            f"the host shows {shown}", hint="Compare the key with the host's own, and give it as --host-key SHA256:…."
        )
    elif not typer.confirm(f"The host shows {shown}. Is that its key?", err=True):
        raise CommandUsageError("the host's key was not confirmed; nothing was sent")
    return document.replaced(**{field: key}), trusting


def _checked(bound: Guarded, seen: Observation, password: Secret) -> str:
    """Log in once with the password, before it is stored; return what that found.

    Raises:
        LoginRejected: nothing was written.
        MissingExtra: a login is demanded, and its library is not installed.
    """
    if bound.can_ask(seen):
        opens = bound.verify(password, seen) is Verdict.ACCEPTED
    elif seen.readback is not None:
        opens = seen.readback == password
    else:
        bound.require_library(seen)
        return _NO_CHECK
    if not opens:
        raise LoginRejected(
            "this password does not open the account; nothing was written",
            hint="Each try is a wrong login at the vendor. Find out the password first, then enroll again.",
        )
    return "the password opens the account"
