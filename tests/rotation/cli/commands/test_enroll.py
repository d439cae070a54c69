"""``lockstep enroll`` shows what a value names, asks, and binds the secret; commands refuse what is not bound."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rotation.core.document import SecretDocument
from rotation.core.process import stop
from rotation.stores.aws.secrets_manager import BINDING_TAG
from rotation_testkit.sandbox.enrolled import binding_of
from rotation_testkit.sandbox.sandbox import VOLCENGINE, Sandbox, open_sandbox, take_turns

COMMANDS = [("rotate",), ("rotate", "--dry-run"), ("verify",), ("doctor",)]
NAME, MEETING = "lockstep/ucloud_compshare", "lockstep/huawei_meeting"


@pytest.fixture
def tag(embedded: Any) -> Any:
    """A function that returns a secret's binding, or changes it first; the secret starts without one."""
    store = embedded.secrets_manager
    for name in (NAME, MEETING):
        store.call("UntagResource", SecretId=name, TagKeys=[BINDING_TAG])

    def ask(name: str = NAME, text: str | None = None) -> str | None:
        if text is not None:
            store.call("TagResource", SecretId=name, Tags=[{"Key": BINDING_TAG, "Value": text}])
        tags = store.call("DescribeSecret", SecretId=name).get("Tags") or ()
        return {each["Key"]: each["Value"] for each in tags}.get(BINDING_TAG)

    return ask


def test_a_secret_is_bound_once(lockstep: Any, embedded: Any, tag: Any) -> None:
    """The tag is what the value names; enrolling again changes nothing, and no vendor or host is asked."""
    document = SecretDocument.parse(embedded.secrets_manager.value(NAME).reveal())
    outcomes = []
    for _ in range(2):
        ran = lockstep("enroll", NAME, "--yes", "--json")
        assert ran.code == 0, ran.out
        outcomes.append(ran.objects[0]["outcome"])
        assert tag() == ran.objects[0]["binding"] == binding_of(document)
    assert outcomes == ["enrolled", "unchanged"]
    assert (embedded.ucloud.requests, embedded.ssh.connections) == ([], 0)
    assert lockstep("rotate", NAME, "--dry-run").code == 0


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox whose directory user takes turns with another one; the secret is bound to the first one alone."""
    with open_sandbox(holding=(VOLCENGINE,), retry_delays=()) as started:
        for name, value in started.environment().items():
            monkeypatch.setenv(name, value)
        alone = binding_of(SecretDocument(started.vendor_accounts[VOLCENGINE].document))
        take_turns(started)
        tags = [{"Key": BINDING_TAG, "Value": alone}]
        started.secrets_manager.call("TagResource", SecretId=started.accounts[VOLCENGINE], Tags=tags)
        yield started


def test_two_accounts_that_take_turns_are_bound_together(lockstep: Any, directory: Sandbox) -> None:
    """What is shown and written names both, is another binding than the first one's, and stays after a switch."""
    name = directory.accounts[VOLCENGINE]
    assert lockstep("rotate", name, "--json").code == 4
    shown = lockstep("enroll", name, "--show")
    assert (shown.code, "bound otherwise" in shown.out) == (4, True)
    assert {"user-demo/robot", "user-demo-b/robot-b"} <= set(shown.out.split())
    assert directory.volcengine.resets("user-demo-b") == 0
    bound = lockstep("enroll", name, "--yes", "--json").objects[0]["binding"]
    assert lockstep("rotate", name).code == 0
    doctor = lockstep("doctor", name, "--json").objects[0]
    accounts = {stage: each["account"] for each in doctor["versions"] for stage in each["stages"]}
    assert (accounts["AWSCURRENT"], accounts["AWSPREVIOUS"]) == ("robot-b", "robot")
    assert "account robot-b" in " ".join(lockstep("doctor", name).out.split())
    again = lockstep("enroll", name, "--yes", "--json").objects[0]
    assert (again["outcome"], again["binding"]) == ("unchanged", bound)


def test_showing_changes_nothing(lockstep: Any, tag: Any, tmp_path: Path) -> None:
    """``--show`` exits 4 where a rotation would be refused, and prints account, logins and the key's fingerprint.

    Nobody is asked, so that a job may do so for a list.
    """
    listed = tmp_path / "accounts.csv"
    listed.write_text(f"secret_id\n{NAME}\n")
    for wanted in ((NAME,), ("--from-file", str(listed))):
        ran = lockstep("enroll", *wanted, "--show")
        assert (ran.code, tag()) == (4, None)
        assert "uhost-demo/root" in ran.out
    assert "host key ssh-ed25519 SHA256:" in ran.out
    assert "not bound (required by the deployment)" in ran.out
    assert lockstep("enroll", MEETING, "--show").code == 0
    tag(text="1 huawei_meeting " + "0" * 32 + " - - other")
    assert lockstep("enroll", NAME, "--show", "--json").objects[0]["outcome"] == "bound_otherwise"


def test_nobody_is_asked_where_nobody_sits(lockstep: Any, tag: Any) -> None:
    """Without a terminal, and with --json, it takes --yes; one secret or one list is named."""
    for arguments in ((NAME,), (NAME, "--json"), (), (NAME, "--from-file", "x.csv", "--yes")):
        assert lockstep("enroll", *arguments).code == 2, arguments
    assert tag() is None


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1), ("", 1)])
def test_a_human_is_asked(at_a_terminal: Any, tag: Any, answer: str, code: int) -> None:
    """Only a yes binds the secret, after the account was shown."""
    ended, shown = at_a_terminal(answer, "enroll", NAME)
    assert ended == code
    assert "uhost-demo/root" in shown
    assert (tag() is None) is (code == 1)


@pytest.fixture
def at_a_terminal(embedded: Any) -> Any:
    """A function that runs a command at a terminal where somebody types a line; it returns exit code and output."""

    def run(line: str, *arguments: str) -> tuple[int, str]:
        ours, theirs = os.openpty()
        environment = {**os.environ, **embedded.environment()}
        with os.fdopen(ours, "r+b", buffering=0) as terminal:
            ran = subprocess.Popen(
                [sys.executable, "-m", "rotation.cli", *arguments],
                env=environment,
                stdin=theirs,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            os.close(theirs)
            terminal.write(f"{line}\n".encode())
            shown, _ = ran.communicate(timeout=60)
        return ran.returncode, shown.decode()

    return run


def test_a_list_is_enrolled_line_by_line(lockstep: Any, tag: Any, tmp_path: Path) -> None:
    """A secret that fails stops no other, the list may be run again, and what it expects is compared."""
    rows = [f"{NAME},ucloud_compshare,", "lockstep/missing,,", f"{MEETING},huawei_meeting,somebody@example.com"]
    path = tmp_path / "accounts.csv"
    path.write_text("secret_id,driver,account\n" + "\n".join(rows) + "\n")
    outcomes = []
    for _ in range(2):
        ran = lockstep("enroll", "--from-file", str(path), "--yes", "--json")
        assert ran.code == 4
        outcomes.append([each["outcome"] for each in ran.objects])
    assert outcomes == [[first, "secret_not_found", "binding_mismatch"] for first in ("enrolled", "unchanged")]
    assert tag(MEETING) is None
    path.write_text(f"secret_id,account\n{MEETING},robot@example.com\n")
    assert lockstep("enroll", "--from-file", str(path), "--yes").code == 0
    assert tag(MEETING) is not None
    for text in ("name\nx\n", "", "secret_id,password\nx,y\n", "secret_id\n", "secret_id,driver\n,acme\n"):
        path.write_text(text)
        assert lockstep("enroll", "--from-file", str(path), "--yes").code == 2


def test_a_list_that_is_stopped_ends_the_line_that_it_has_begun(
    lockstep: Any, embedded: Any, tag: Any, tmp_path: Path
) -> None:
    """A signal in the middle of a binding: it is written, no other line begins, and the same command continues."""
    path = tmp_path / "accounts.csv"
    path.write_text(f"secret_id\n{NAME}\n{MEETING}\n")
    faults = embedded.secrets_manager.faults
    faults.before("TagResource", lambda _: (faults.clear(), os.kill(os.getpid(), signal.SIGTERM))[0])
    with stop.heeding():
        ran = lockstep("enroll", "--from-file", str(path), "--yes", "--json")
    stop._process.asked_at = None
    assert (ran.code, ran.objects[0]["outcome"], ran.objects[-1]["code"]) == (130, "enrolled", "interrupted")
    assert "after 1 of 2 secrets" in ran.objects[-1]["message"]
    assert [tag(each) is None for each in (NAME, MEETING)] == [False, True]
    assert lockstep("enroll", "--from-file", str(path), "--yes").code == 0


def test_a_value_that_is_written_after_it_was_shown_is_not_bound(embedded: Any, tag: Any, tmp_path: Path) -> None:
    """While the human reads the list, somebody writes a value with another account: nothing binds that one."""
    path = tmp_path / "accounts.csv"
    path.write_text(f"secret_id\n{NAME}\n{MEETING}\n")
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "rotation.cli", "enroll", "--from-file", str(path)]
    environment = {**os.environ, **embedded.environment()}
    with os.fdopen(ours, "r+b", buffering=0) as terminal:
        ran = subprocess.Popen(
            command, env=environment, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        os.close(theirs)
        shown = [ran.stdout.readline() for _ in range(2)]
        store = embedded.secrets_manager
        value = json.loads(store.value(NAME).reveal()) | {"uhost_id": "uhost-of-b"}
        store.call("PutSecretValue", SecretId=NAME, SecretString=json.dumps(value))
        terminal.write(b"y\n")
        _, said = ran.communicate(timeout=60)
    assert "uhost-demo/root" in shown[0]
    assert ran.returncode == 4
    assert "binding_mismatch" in said
    assert (tag() is None, tag(MEETING) is None) == (True, False)


@pytest.fixture
def asked(embedded: Any) -> Any:
    """A function that returns whether vendor, host or admin credential were asked since the test began."""
    store = embedded.secrets_manager

    def ask() -> bool:
        read = {call.secret for call in store.calls if call.operation == "GetSecretValue"}
        return bool(embedded.ucloud.requests or embedded.ssh.connections or embedded.admin_secret in read)

    return ask


@pytest.mark.parametrize(
    "command", [("rotate",), ("rotate", "--dry-run"), ("verify",), ("doctor",), ("doctor", "--repair")]
)
def test_no_command_uses_a_value_that_names_another_account(
    lockstep: Any, embedded: Any, asked: Any, command: tuple[str, ...]
) -> None:
    """Each says why, and what to do, before vendor, host or admin credential are asked."""
    document = json.loads(embedded.secrets_manager.value(NAME).reveal())
    text = json.dumps(document | {"uhost_id": "uhost-of-b"})
    embedded.secrets_manager.call("PutSecretValue", SecretId=NAME, SecretString=text)
    ran = lockstep(*command, NAME, "--json")
    assert ran.code in (3, 4)
    assert "names another account" in ran.out
    assert "lockstep enroll" in ran.out
    assert not asked()


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.usefixtures("tag")
def test_no_command_uses_a_secret_that_is_not_bound(lockstep: Any, asked: Any, command: tuple[str, ...]) -> None:
    """The same where nobody has bound the secret."""
    ran = lockstep(*command, NAME, "--json")
    assert ran.code in (3, 4)
    assert "not bound to an account" in ran.out
    assert "lockstep enroll" in ran.out
    assert not asked()


def test_an_enrolment_is_announced_once(lockstep: Any, tag: Any, monkeypatch: Any, tmp_path: Path) -> None:
    """Enrolling again changes nothing and says nothing."""
    place = tmp_path / "events.jsonl"
    monkeypatch.setenv("LOCKSTEP_EVENTS_LINES", str(place))
    for _ in range(2):
        assert lockstep("enroll", NAME, "--yes").code == 0
    assert tag() is not None
    (event,) = [json.loads(line) for line in place.read_text().splitlines()]
    assert (event["kind"], event["driver"]) == ("enrolled", "ucloud_compshare")
