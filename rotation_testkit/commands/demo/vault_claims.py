"""The claims of the Vault half; each is checked when it is yielded."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qs

from rotation.core.errors import RotationError
from rotation.core.secret import Secret
from rotation.core.values import Verdict
from rotation_testkit.canary.spellings import find
from rotation_testkit.commands.demo.aws_half import ALLOWED_WRONG_LOGINS, RESET, Claims, try_login
from rotation_testkit.commands.demo.vault_setup import KV_PATH, ROLES, Credentials, VaultSetup, children
from rotation_testkit.sandbox.sandbox import UCLOUD

_RUNS = 2
T = TypeVar("T")


@dataclass(slots=True)
class Observed:
    """What was observed during the half.

    Attributes:
        roles: what readers of each role got, in order.
        jobs: the reports of the KV job's runs.
        processes: arguments and environments of server and plug-in, with the place of each.
    """

    roles: dict[str, list[Credentials]] = field(default_factory=lambda: {role: [] for role in ROLES})
    jobs: list[dict[str, object]] = field(default_factory=list)
    processes: list[tuple[str, str]] = field(default_factory=list, repr=False)

    def look_at_processes(self, setup: VaultSetup) -> None:
        """Keep the arguments and environments of the server and its plug-in."""
        for pid in (setup.server.pid, *children(setup.server)):
            for what in ("cmdline", "environ"):
                with suppress(OSError):  # It may have ended.
                    self.processes.append((f"{what} of {pid}", Path(f"/proc/{pid}/{what}").read_text()))


def about_roles(setup: VaultSetup, observed: Observed) -> Claims:
    """Claim of each static role that the stored password is live and the one before is not."""
    for role in ROLES:
        container = setup.container(role)
        current = _answered(lambda role=role: setup.stored(role).password)  # type: ignore[misc]  # bound now, on purpose
        old = next((each.password for each in reversed(observed.roles[role]) if each.password != current), None)
        wrong, account = container.wrong_logins(), setup.bound(container)
        yield f"{role}: {wrong} wrong logins ({ALLOWED_WRONG_LOGINS} allowed)", wrong <= ALLOWED_WRONG_LOGINS
        yield f"{role}: the password of static-creds logs in over SSH", try_login(account, current) is Verdict.ACCEPTED
        yield f"{role}: the old password does not", try_login(account, old) is Verdict.REJECTED


def about_kv(setup: VaultSetup, observed: Observed) -> Claims:
    """Claim of the KV secret that both rotations succeeded, the second in two runs."""
    first, broken, resumed = [*observed.jobs, {}, {}, {}][:3]
    yield f"KV secret: rotated in one go, gap for readers {first.get('gap_ms')} ms", first.get("outcome") == "promoted"
    ended = bool(broken.get("error")) and resumed.get("outcome") == "promoted"
    same = bool(resumed.get("resumed")) and resumed.get("token") == broken.get("token")
    yield "KV secret: the run that lost its server was resumed under its own token", ended and same
    held = setup.kv_account
    changes, wrong, account = held.changes(), held.wrong_logins(), setup.bound(held)
    yield f"KV secret: {changes} changes took effect in {_RUNS} rotations", changes == _RUNS
    yield f"KV secret: {wrong} wrong logins ({ALLOWED_WRONG_LOGINS} allowed)", wrong <= ALLOWED_WRONG_LOGINS
    yield "KV secret: the stored password logs in", try_login(account, _answered(setup.kv_password)) is Verdict.ACCEPTED
    old = _answered(lambda: setup.kv_password(back=1))
    yield "KV secret: the old password does not", try_login(account, old) is Verdict.REJECTED


def about_leaks(setup: VaultSetup, observed: Observed) -> Claims:
    """Claim that no password is in logs, arguments or environments."""
    with suppress(RuntimeError):  # The server does not run.
        observed.look_at_processes(setup)
    log, audit = setup.server.log_text(), setup.server.audit.read_text()
    places = [("server log", log), ("audit device", audit), *observed.processes]
    passwords = {f"password {number}": each for number, each in enumerate(_passwords(setup))}
    listened = "evidence=LOGIN" in log and KV_PATH in audit and bool(observed.processes)
    clean = listened and not find(passwords, places)
    where = "the log of server and plug-in, the audit device, their arguments or environments"
    yield f"none of {len(passwords)} passwords is in {where}", clean


def _passwords(setup: VaultSetup) -> list[Secret]:
    """Return every password that an account has or had."""
    accounts = (*setup.containers.accounts.values(), setup.kv_account)
    found = [each.live() for each in accounts] + [Secret(str(each.document["password"])) for each in accounts]
    for request in setup.containers.simulator.captured:
        sent = parse_qs(request.body.decode()) | parse_qs(request.url.partition("?")[2])
        if sent.get("Action") == [RESET[UCLOUD]]:
            found.append(Secret(b64decode(sent["Password"][0]).decode()))
    found += [each for back in range(_RUNS + 1) if (each := _answered(lambda back=back: setup.kv_password(back=back)))]  # type: ignore[misc]  # as above
    return found


def _answered(look: Callable[[], T]) -> T | None:
    """Return what the server answers, ``None`` when it does not."""
    try:
        return look()
    except RotationError:
        return None
