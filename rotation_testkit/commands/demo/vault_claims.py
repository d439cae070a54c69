"""What the demonstration's Vault half claims at its end; each is checked when it is asked for."""

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
from rotation_testkit.commands.demo.aws_acts import ALLOWED_WRONG_LOGINS, RESET, Claims, tried
from rotation_testkit.commands.demo.vault_stage import KV_PATH, ROLES, Credentials, Stage, children
from rotation_testkit.sandbox.vendors import UCLOUD

_RUNS = 2
T = TypeVar("T")


@dataclass(slots=True)
class Record:
    """What was seen on the way.

    Attributes:
        roles: what readers of each role got, in order.
        jobs: the reports of the KV job's runs.
        processes: arguments and environments of server and plug-in, by place.
    """

    roles: dict[str, list[Credentials]] = field(default_factory=lambda: {role: [] for role in ROLES})
    jobs: list[dict[str, object]] = field(default_factory=list)
    processes: list[tuple[str, str]] = field(default_factory=list, repr=False)

    def look_at_processes(self, stage: Stage) -> None:
        """Keep what everybody on the machine can see of the server and its plug-in, and what only root can."""
        for pid in (stage.server.pid, *children(stage.server)):
            for what in ("cmdline", "environ"):
                with suppress(OSError):  # It may have ended.
                    self.processes.append((f"{what} of {pid}", Path(f"/proc/{pid}/{what}").read_text()))


def about_roles(stage: Stage, record: Record) -> Claims:
    """The static roles: the stored password is live, the one before is dead."""
    for role in ROLES:
        tenant = stage.tenant(role)
        current = _known(lambda role=role: stage.stored(role).password)  # type: ignore[misc]  # bound now, on purpose
        old = next((each.password for each in reversed(record.roles[role]) if each.password != current), None)
        wrong, account = tenant.wrong_logins(), stage.account(tenant)
        yield f"{role}: {wrong} wrong logins ({ALLOWED_WRONG_LOGINS} allowed)", wrong <= ALLOWED_WRONG_LOGINS
        yield f"{role}: the password of static-creds logs in over SSH", tried(account, current) is Verdict.ACCEPTED
        yield f"{role}: the old password does not", tried(account, old) is Verdict.REJECTED


def about_kv(stage: Stage, record: Record) -> Claims:
    """The KV secret: two rotations, the second of them in two runs."""
    first, broken, resumed = [*record.jobs, {}, {}, {}][:3]
    yield f"KV secret: rotated in one go, gap for readers {first.get('gap_ms')} ms", first.get("outcome") == "promoted"
    ended = bool(broken.get("error")) and resumed.get("outcome") == "promoted"
    same = bool(resumed.get("resumed")) and resumed.get("token") == broken.get("token")
    yield "KV secret: the run that lost its server was resumed under its own token", ended and same
    member = stage.member
    changes, wrong, account = member.changes(), member.wrong_logins(), stage.account(member)
    yield f"KV secret: {changes} changes took effect in {_RUNS} rotations", changes == _RUNS
    yield f"KV secret: {wrong} wrong logins ({ALLOWED_WRONG_LOGINS} allowed)", wrong <= ALLOWED_WRONG_LOGINS
    yield "KV secret: the stored password logs in", tried(account, _known(stage.kept)) is Verdict.ACCEPTED
    old = _known(lambda: stage.kept(back=1))
    yield "KV secret: the old password does not", tried(account, old) is Verdict.REJECTED


def about_leaks(stage: Stage, record: Record) -> Claims:
    """Logs and processes: none of all the passwords that there were."""
    with suppress(RuntimeError):  # The server does not run.
        record.look_at_processes(stage)
    log, audit = stage.server.log_text(), stage.server.audit.read_text()
    places = [("server log", log), ("audit device", audit), *record.processes]
    passwords = {f"password {number}": each for number, each in enumerate(_passwords(stage))}
    listened = "evidence=LOGIN" in log and KV_PATH in audit and bool(record.processes)
    clean = listened and not find(passwords, places)
    where = "the log of server and plug-in, the audit device, their arguments or environments"
    yield f"none of {len(passwords)} passwords stands in {where}", clean


def _passwords(stage: Stage) -> list[Secret]:
    """Return every password that an account has or had."""
    found = [each.live() for each in (*stage.containers.tenants.values(), stage.member)]
    found += [Secret(str(each.document["password"])) for each in (*stage.containers.tenants.values(), stage.member)]
    for request in stage.containers.simulator.captured:
        sent = parse_qs(request.body.decode()) | parse_qs(request.url.partition("?")[2])
        if sent.get("Action") == [RESET[UCLOUD]]:
            found.append(Secret(b64decode(sent["Password"][0]).decode()))
    found += [each for back in range(_RUNS + 1) if (each := _known(lambda back=back: stage.kept(back=back)))]  # type: ignore[misc]  # as above
    return found


def _known(look: Callable[[], T]) -> T | None:
    """Return what the server says, ``None`` when it says nothing."""
    try:
        return look()
    except RotationError:
        return None
