"""The SSH double against a real OpenSSH with PAM: a login sees the same of both, for all that the product relies on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from rotation.core.errors import AccountLocked, CannotVerify
from rotation.core.secret import Secret
from rotation.core.values import LoginTarget
from rotation.drivers.logins.ssh import SshProbe
from rotation.drivers.network.login_probe import LoginTerms, SshProof
from rotation_testkit.doubles.hosts.ssh import SshBehaviour, SshHost
from rotation_testkit.processes.openssh import Account, OpenSsh

RIGHT, WRONG = Secret("Canary-right/1+a"), Secret("Canary-wrong/2+b")
ACCEPTED, REJECTED = "accepted", "rejected"
PLAIN = Account(password=RIGHT.reveal())


@dataclass(frozen=True, kw_only=True)
class Case:
    """One behaviour, how each server comes to show it, and what the probe says of both.

    Attributes:
        double: the double's behaviour.
        account: the real server's account.
        settings: lines of the real server's sshd_config.
        denied: whether the real server's PAM has a rule that lets no account in.
        right: what the probe says of the right password: a verdict or an error's vendor code.
        wrong: the same of a wrong one.
        met: the vendor code of the greeting's error; ``None`` if the host is met.
        proof: what must follow an accepted password.
    """

    double: SshBehaviour = field(default_factory=SshBehaviour)
    account: Account = PLAIN
    settings: tuple[str, ...] = ()
    denied: bool = False
    right: str = ACCEPTED
    wrong: str = REJECTED
    met: str | None = None
    proof: SshProof = SshProof.EXEC


MUST_CHANGE = replace(PLAIN, changed=0)
NOLOGIN = Account(password=RIGHT.reveal(), shell="/usr/sbin/nologin")  # noqa: S604 - a user's shell
KEYBOARD = ("KbdInteractiveAuthentication yes",)
NO_SESSIONS = ("MaxSessions 0",)

CASES = {
    "plain": Case(),
    "plain, proved by sftp": Case(proof=SshProof.SFTP),
    "plain, proved by the login": Case(proof=SshProof.LOGIN),
    "must change": Case(double=SshBehaviour(must_change={"ada"}), account=MUST_CHANGE, right="password_expired"),
    "must change, proved by sftp": Case(
        double=SshBehaviour(must_change={"ada"}),
        account=MUST_CHANGE,
        right="password_expired",
        proof=SshProof.SFTP,
    ),
    "must change, the login is proof enough": Case(
        double=SshBehaviour(must_change={"ada"}), account=MUST_CHANGE, proof=SshProof.LOGIN
    ),
    "password too old": Case(
        double=SshBehaviour(must_change={"ada"}),
        account=replace(PLAIN, changed=18000, most_days=30),
        right="password_expired",
    ),
    "nologin": Case(double=SshBehaviour(nologin={"ada"}), account=NOLOGIN, right="no_shell"),
    "nologin, proved by sftp": Case(
        double=SshBehaviour(nologin={"ada"}), account=NOLOGIN, right="no_shell", proof=SshProof.SFTP
    ),
    "nologin, the login is proof enough": Case(
        double=SshBehaviour(nologin={"ada"}), account=NOLOGIN, proof=SshProof.LOGIN
    ),
    "account expired": Case(
        double=SshBehaviour(expired_accounts={"ada"}),
        account=replace(PLAIN, expires="19001"),
        right="account_expired",
    ),
    "denied by a rule of PAM": Case(double=SshBehaviour(denied={"ada"}), denied=True, right=REJECTED),
    "password locked": Case(double=SshBehaviour(locked={"ada"}), account=replace(PLAIN, disabled=True), right=REJECTED),
    "no password method": Case(
        double=SshBehaviour(methods=("publickey",)),
        settings=("PasswordAuthentication no", "KbdInteractiveAuthentication no"),
        right="password_method_not_offered",
        wrong="password_method_not_offered",
        met="password_method_not_offered",
    ),
    "keyboard-interactive alone": Case(
        double=SshBehaviour(methods=("publickey", "keyboard-interactive")),
        settings=("PasswordAuthentication no", *KEYBOARD),
        right="password_method_not_offered",
        wrong="password_method_not_offered",
        met="password_method_not_offered",
    ),
    "one try": Case(double=SshBehaviour(max_tries=1), settings=("MaxAuthTries 1",)),
    "second factor": Case(
        double=SshBehaviour(second_factor=True),
        settings=("AuthenticationMethods password,keyboard-interactive", *KEYBOARD),
        right="second_factor",
    ),
    "weak ciphers": Case(
        double=SshBehaviour(ciphers=("aes128-cbc",)),
        settings=("Ciphers aes128-cbc",),
        right="ssh_protocol",
        wrong="ssh_protocol",
        met="ssh_protocol",
    ),
    "weak digests": Case(
        double=SshBehaviour(ciphers=("aes128-ctr",), digests=("hmac-sha1",)),
        settings=("Ciphers aes128-ctr", "MACs hmac-sha1"),
        right="ssh_protocol",
        wrong="ssh_protocol",
        met="ssh_protocol",
    ),
    "no session": Case(double=SshBehaviour(sessions=False), settings=NO_SESSIONS, right="no_session"),
    "no session, the login is proof enough": Case(
        double=SshBehaviour(sessions=False), settings=NO_SESSIONS, proof=SshProof.LOGIN
    ),
}


@contextmanager
def double(case: Case, _packages: Path, _home: Path) -> Iterator[SshHost]:
    """Start the double."""
    with SshHost(lambda _, password: password == RIGHT.reveal(), behaviour=case.double) as host:
        yield host


@contextmanager
def real(case: Case, packages: Path, home: Path) -> Iterator[OpenSsh]:
    """Start the real server."""
    accounts = {"ada": case.account}
    with OpenSsh(packages=packages, home=home, accounts=accounts, settings=case.settings, denies=case.denied) as host:
        yield host


def target(host: SshHost | OpenSsh) -> LoginTarget:
    """Return where the host is, with its key."""
    return LoginTarget("ssh", host.host, host.port, "ada", host.host_key)


def probe(proof: SshProof = SshProof.EXEC, seconds: float = 20.0) -> SshProbe:
    """Return a probe with time."""
    return SshProbe(time_left=lambda: 60.0, terms=LoginTerms(seconds=seconds, ssh_proof=proof))


def answer(host: SshHost | OpenSsh, password: Secret, proof: SshProof = SshProof.EXEC) -> str:
    """Return the verdict, or the code of the error."""
    try:
        return probe(proof).login(target(host), password).value
    except (CannotVerify, AccountLocked) as error:
        return str(error.vendor_code or error.code)


def met(host: SshHost | OpenSsh) -> str | None:
    """Return the code of the greeting's error."""
    try:
        probe().greet(target(host))
    except CannotVerify as error:
        return error.vendor_code if error.unsent else "a password was shown"
    return None


both = pytest.mark.parametrize(
    "server", [double, pytest.param(real, marks=pytest.mark.openssh)], ids=["double", "real"]
)


@both
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_probe_says_the_same_of_both(case: Case, server, openssh_packages: Path, tmp_path: Path) -> None:
    """Greeting, right and wrong password have the same outcome at the double and at OpenSSH."""
    with server(case, openssh_packages, tmp_path) as host:
        assert met(host) == case.met
        assert answer(host, RIGHT, case.proof) == case.right
        assert answer(host, WRONG, case.proof) == case.wrong


@both
def test_another_host_key_keeps_the_password_back(server, openssh_packages: Path, tmp_path: Path) -> None:
    """A host that shows another key than the pinned one gets no password, whether it is the double or OpenSSH."""
    with server(Case(), openssh_packages, tmp_path) as host:
        pinned = target(host)
        host.change_host_key()
        if isinstance(host, OpenSsh):
            host.restart()
        with pytest.raises(CannotVerify) as caught:
            probe().login(pinned, RIGHT)
        assert (caught.value.vendor_code, caught.value.unsent) == ("host_key_changed", True)
        assert answer(host, RIGHT) == ACCEPTED


@pytest.fixture
def locking(openssh_packages: Path, tmp_path: Path) -> Iterator[OpenSsh]:
    """A real server whose third wrong login locks an account, and that takes keyboard-interactive."""
    accounts = {"ada": PLAIN}
    with OpenSsh(packages=openssh_packages, home=tmp_path, accounts=accounts, settings=KEYBOARD, faillock=3) as host:
        yield host


@pytest.mark.openssh
def test_a_lock_by_pam_faillock_is_named_as_a_lock(locking: OpenSsh) -> None:
    """After three wrong logins of strangers the right password is refused; the host is asked why, and says it.

    Neither the question nor a greeting counts as a wrong login, before the lock and after it.
    """
    assert [answer(locking, WRONG) for _ in range(2)] == [REJECTED, REJECTED]
    assert (met(locking), locking.wrong_logins("ada")) == (None, 2)
    assert answer(locking, WRONG) in (REJECTED, "account_locked")
    assert answer(locking, RIGHT) == "account_locked"
    assert (met(locking), locking.wrong_logins("ada")) == (None, 3)


@pytest.mark.openssh
def test_a_silent_pam_faillock_looks_like_a_wrong_password(locking: OpenSsh) -> None:
    """With its option ``silent`` the host says nothing that a client could tell from a wrong password."""
    locking.silent = True
    locking.write_rules()
    assert [answer(locking, WRONG) for _ in range(3)] == [REJECTED] * 3
    assert answer(locking, RIGHT) == REJECTED
    assert locking.wrong_logins("ada") == 3


@pytest.mark.openssh
def test_a_login_that_is_accepted_ends_the_count_of_pam_faillock(locking: OpenSsh) -> None:
    """An accepted login clears the wrong ones before it, and a session leaves none behind."""
    assert [answer(locking, WRONG) for _ in range(2)] == [REJECTED, REJECTED]
    assert answer(locking, RIGHT) == ACCEPTED
    assert locking.wrong_logins("ada") == 0


@pytest.mark.openssh
@pytest.mark.parametrize(("command", "found"), [("echo menu", ACCEPTED), ("false", "no_shell")])
def test_a_forced_command_counts_by_its_status(
    openssh_packages: Path, tmp_path: Path, command: str, found: str
) -> None:
    """A forced command runs in place of the probe's; one that succeeds has opened the session."""
    with real(Case(settings=(f"ForceCommand {command}",)), openssh_packages, tmp_path) as host:
        assert answer(host, RIGHT) == found
