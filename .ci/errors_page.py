"""Prints docs/errors.md from the error classes and the reasons for parking.

.venv/bin/python .ci/errors_page.py > errors.md && mv errors.md docs/errors.md
"""

# ruff: noqa: INP001 - a script of the documentation, and no module of a package

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
from collections.abc import Iterator

import rotation
import vault_plugin
from rotation.cli.exit_codes import exit_code
from rotation.core.errors import Parked, RotationError
from rotation.state.parking import PARKING

_HEAD = """# Error codes: what do I do now?

This page is generated: `.venv/bin/python .ci/errors_page.py > errors.md && mv errors.md docs/errors.md`.

Every error shows its code and a hint: on the terminal, in the function's log line, and with `--json`. This page lists
all codes. If the hint that an error shows differs from this page, follow the error's hint: it is more exact. After a
failure it is always safe to run the rotation again.

- `vendor_code` is the code of the vendor, the store or the host. `lockstep drivers CODE` lists a vendor's codes, and
  the error code that Lockstep makes of each. [vault-kv.md](vault-kv.md#errors) lists the codes of Vault, and
  [settings.md](settings.md#what-proves-a-login-over-ssh) lists the codes of a login over SSH.
- The commands on this page are for AWS. For a secret in Vault add `vault`, for example `lockstep vault doctor PATH`.
  For a static role use `lockstep vault plugin status` and `lockstep vault plugin rotate`.
- Exit code 1: the failure may pass, run it again. 3: the rotation continues by itself later. 4: a human must act. An
  error of exit code 1 that has a `not_before` exits with 3.
- [on-call.md](on-call.md) says how to find out more, and how to repair a secret.

## `parked`

Lockstep parks a rotation on purpose. `reason` says why, and `not_before` says until when
([all waiting times](on-call.md#when-the-next-attempt-comes)).

A parked rotation continues with the next attempt after `not_before`. Who makes this attempt?

- AWS retries a rotation several times. AWS does not publish how often and when, and gives up at some time.
- The job over KV tries again when it runs the next time. Vault's own scheduler tries every ten seconds.
- A command makes no further attempt. After a command, or after AWS has given up, run `lockstep rotate SECRET_ID` or
  `aws secretsmanager rotate-secret --secret-id SECRET_ID` after `not_before`. Both continue with the same candidate.

If nobody tries any more, the alarms for overdue secrets and for resets that are not committed report the rotation.

| reason | exit code | what to do |
| --- | --- | --- |
"""
_SECTIONS = {
    "ConfigError": "The settings",
    "EventError": "The order of the steps",
    "SecretDocumentError": "The secret's value",
    "StoreError": "The secret store",
    "DriverError": "The vendor, and the host of a login",
}
_VARIABLE = re.compile(r"(?<!`)LOCKSTEP_[A-Z_<>]+(?:=\w+)?(?![`\w])")
_ROWS = "\n| code | meaning | exit code | what to do |\n| --- | --- | --- | --- |\n"


def page() -> str:
    """Return the page."""
    parked = {reason: Parked("", reason=reason, not_before=None, hint=each.hint) for reason, each in PARKING.items()}
    rows = [_row(f"`{reason}`", str(exit_code(error)), error.hint) for reason, error in parked.items()]
    sections: dict[str, list[str]] = {title: [] for title in (*_SECTIONS.values(), "Lockstep itself")}
    for kind, title in _kinds():
        meaning = (kind.__doc__ or "").split("\n\n")[0].replace("\n", " ")
        sections[title].append(_row(f"`{kind.code}`", meaning, str(exit_code(_blank(kind))), kind.default_hint))
    return (
        _HEAD + "".join(rows) + "".join(f"\n## {title}\n{_ROWS}{''.join(found)}" for title, found in sections.items())
    )


def _kinds() -> Iterator[tuple[type[RotationError], str]]:
    """Yield each class whose errors are shown, once for each code, with the title of its section."""
    for package in (rotation, vault_plugin):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    seen = {Parked.code}
    for top in RotationError.__subclasses__():
        for kind in (top, *_below(top)):
            ours = kind.__module__.partition(".")[0] in ("rotation", "vault_plugin")
            if ours and kind.code not in seen and kind.default_hint:
                seen.add(kind.code)
                yield kind, _SECTIONS.get(top.__name__, "Lockstep itself")


def _below(kind: type[RotationError]) -> Iterator[type[RotationError]]:
    for each in kind.__subclasses__():
        yield from (each, *_below(each))


def _blank(kind: type[RotationError]) -> RotationError:
    error = kind.__new__(kind)
    RotationError.__init__(error, "")
    return error


def _row(*cells: str) -> str:
    shown = (_VARIABLE.sub(r"`\g<0>`", cell).replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(shown)} |\n"


if __name__ == "__main__":
    sys.stdout.write(page())
