# ruff: noqa: ARG002 - stand-ins for drivers take what the ports hand over
"""Facts about the wrapper around drivers: typed errors only, no value in them, nothing started too late."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import pytest

from rotation.errors import (
    AccountLocked,
    CannotVerify,
    ConfigError,
    DriverBug,
    DriverError,
    HostNotAllowed,
    NotEnoughTime,
    OutcomeUnknown,
    PreconditionFailed,
    RotationError,
    StoreUnavailable,
    VendorUnavailable,
)
from rotation.guard import RESERVE_SECONDS, Guarded
from rotation.model import DriverSpec, Evidence, LoginTarget, Observation, Power, Progress, Task, TaskState, Verdict
from rotation.secret import Secret

NEW, OLD, KEY = Secret("canary/new +%Ä"), Secret('canary?old&"\\='), Secret("canary-key")
CANARIES = (NEW, OLD, KEY)
TARGET = LoginTarget("ssh", "host", 22, "root", "ssh-ed25519 AAAA")
Spec = Callable[..., DriverSpec]


class _Bare:
    """A driver that can set a password and nothing else. ``act`` is what every verb does."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self.act = act
        self.calls: list[tuple[str, Secret | None]] = []

    def set_password(self, account: Any, new: Secret, *, current: Secret | None) -> Task | None:
        plain = new.reveal()
        self.calls.append(("set", current))
        return self.act() if plain else None


class _Whole(_Bare):
    """A driver with every verb."""

    def observe(self, account: Any) -> Observation:
        return self.act()

    def verify(self, account: Any, password: Secret) -> Verdict:
        plain = password.reveal()
        return self.act() if plain else Verdict.REJECTED

    def poll(self, account: Any, task: Task) -> Progress:
        return self.act()


class _Probe:
    """A shared login probe that shows the host's key, or the reason why it cannot."""

    def __init__(
        self, act: Callable[[], Any], *, problem: ConfigError | None = None, key: Any = "ssh-rsa AAAA"
    ) -> None:
        self.act = act
        self.problem = problem
        self.key = key
        self.targets: list[LoginTarget] = []
        self.asked: list[tuple[str, int]] = []

    def unready(self, target: LoginTarget) -> ConfigError | None:
        return self.problem or (None if target.host_key else ConfigError("no key", hint="pin it"))

    def host_key(self, host: str, port: int) -> str:
        self.asked.append((host, port))
        if isinstance(self.key, Exception):
            raise self.key
        return self.key

    def login(self, target: LoginTarget, password: Secret) -> Verdict:
        self.targets.append(target)
        return self.act()


def _guarded(spec: DriverSpec, driver: Any, *, left: float = 60.0, **changes: Any) -> Guarded:
    fields = {"account": object(), "username": "root", "minimum": Evidence.LOGIN, "known": (KEY,), **changes}
    return Guarded(spec=spec, driver=driver, time_left=lambda: left, **fields)


VERBS: dict[str, Callable[[Guarded], object]] = {
    "set_password": lambda bound: bound.set_password(NEW, current=OLD),
    "observe": lambda bound: bound.observe(),
    "verify": lambda bound: bound.verify(NEW),
    "poll": lambda bound: bound.poll(Task("t")),
}


def _leaky(error: BaseException) -> Callable[[], Any]:
    """Return an act that raises ``error`` from another error, from a frame that holds every value in plain text."""

    def act() -> None:
        plain = [each.reveal() for each in CANARIES]
        try:
            raise ValueError(*plain)  # noqa: TRY301 - a cause is what is made here
        except ValueError as cause:
            error.add_note(plain[0])
            raise error from cause

    return act


def _everything(error: BaseException) -> str:
    """Return all text that can be reached from an error: causes, contexts, notes, frames of the product and driver."""
    parts: list[str] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None:
            continue
        waiting += [each.__cause__, each.__context__]
        parts += [repr(each), str(each), repr(vars(each)), "".join(traceback.format_exception_only(each))]
        for frame, _ in traceback.walk_tb(each.__traceback__):
            if frame.f_code.co_name not in ("_caught", "<lambda>"):
                parts += [f"{name}={value!r}" for name, value in frame.f_locals.items()]
    return "\n".join(parts)


def _caught(bound: Guarded, verb: str) -> RotationError:
    with pytest.raises(RotationError) as caught:
        VERBS[verb](bound)
    return caught.value


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("foreign", [ValueError, KeyError, OSError, RuntimeError, UnicodeError, AssertionError])
def test_a_foreign_error_becomes_a_driver_bug_that_names_its_type(
    make_spec: Spec, verb: str, foreign: type[Exception]
) -> None:
    """Its text is withheld, its cause, notes and frames are cut."""
    error = _caught(_guarded(make_spec(), _Whole(_leaky(foreign(NEW.reveal())))), verb)
    assert type(error) is DriverBug
    assert str(error) == f"acme raised {foreign.__name__}"
    assert not error.definite
    assert "canary" not in _everything(error)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("typed", [VendorUnavailable, OutcomeUnknown, AccountLocked, HostNotAllowed, NotEnoughTime])
def test_a_typed_error_passes_scrubbed_and_cut(make_spec: Spec, verb: str, typed: type[RotationError]) -> None:
    """Message, hint, vendor's code and request id are masked; the class stays."""
    told = f"{NEW.reveal()} {KEY.reveal()}" if verb in ("set_password", "verify") else KEY.reveal()
    raised = typed(told, hint=told, vendor_code=told, request_id=told, not_before=7.0)
    bound = _guarded(make_spec(), _Whole(_leaky(raised)))
    error = _caught(bound, verb)
    assert error is raised
    assert error.not_before == 7.0
    assert "canary" not in _everything(error)
    assert "[secret]" in str(error)


@pytest.mark.parametrize("verb", VERBS)
def test_an_error_of_another_part_is_the_drivers_bug(make_spec: Spec, verb: str) -> None:
    """A driver has no business with the store."""
    error = _caught(_guarded(make_spec(), _Whole(_leaky(StoreUnavailable("x")))), verb)
    assert type(error) is DriverBug
    assert str(error) == "store_unavailable"


def test_the_current_password_is_scrubbed_too(make_spec: Spec) -> None:
    """Vendors echo what they refuse."""
    error = _caught(_guarded(make_spec(), _Bare(_leaky(DriverError(f"old was {OLD.reveal()}")))), "set_password")
    assert str(error) == "old was [secret]"


def test_an_interrupt_is_let_through(make_spec: Spec) -> None:
    """Somebody wants the process to end."""
    with pytest.raises(KeyboardInterrupt):
        _guarded(make_spec(), _Bare(_leaky(KeyboardInterrupt()))).set_password(NEW, current=None)


@pytest.mark.parametrize(("left", "starts"), [(15 + RESERVE_SECONDS - 0.01, False), (15 + RESERVE_SECONDS, True)])
def test_no_change_is_started_with_too_little_time_left(make_spec: Spec, left: float, *, starts: bool) -> None:
    """The call's longest time and the reserve must fit; else the driver is not called at all."""
    driver = _Bare(lambda: None)
    bound = _guarded(make_spec(call_seconds=15), driver, left=left)
    if starts:
        assert bound.set_password(NEW, current=None) is None
    else:
        with pytest.raises(NotEnoughTime, match="15 s"):
            bound.set_password(NEW, current=None)
    assert len(driver.calls) == starts


def test_the_current_password_reaches_the_driver(make_spec: Spec) -> None:
    """Self-service changes need it."""
    driver = _Bare(lambda: Task("t-1"))
    assert _guarded(make_spec(), driver).set_password(NEW, current=OLD) == Task("t-1")
    assert driver.calls == [("set", OLD)]


@pytest.mark.parametrize("verdict", Verdict)
def test_a_verdict_comes_through(make_spec: Spec, verdict: Verdict) -> None:
    """By the driver's own login call, or by the shared probe."""
    seen = Observation(variant="any", login=TARGET)
    probe = _Probe(lambda: verdict)
    assert _guarded(make_spec(), _Whole(lambda: verdict)).verify(NEW) is verdict
    assert _guarded(make_spec(), _observing(seen), probes={"ssh": probe}).verify(NEW) is verdict
    assert probe.targets == [TARGET]


def _observing(seen: Observation) -> Any:
    class _Observing(_Bare):
        def observe(self, account: Any) -> Observation:
            return seen

    return _Observing(lambda: None)


@pytest.mark.parametrize("answer", [None, False, True, "rejected", 0])
def test_anything_but_a_verdict_could_not_tell(make_spec: Spec, answer: object) -> None:
    """It must not count as a wrong login, nor as a right one."""
    with pytest.raises(DriverBug, match="no verdict"):
        _guarded(make_spec(), _Whole(lambda: answer)).verify(NEW)
    seen = Observation(variant="any", login=TARGET)
    with pytest.raises(DriverBug, match="no verdict"):
        _guarded(make_spec(), _observing(seen), probes={"ssh": _Probe(lambda: answer)}).verify(NEW)


def test_an_error_of_the_probe_is_scrubbed(make_spec: Spec) -> None:
    """SSH libraries quote what they like."""
    seen = Observation(variant="any", login=TARGET)
    bound = _guarded(make_spec(), _observing(seen), probes={"ssh": _Probe(_leaky(OSError()))})
    error = _caught(bound, "verify")
    assert type(error) is DriverBug
    assert "canary" not in _everything(error)


@pytest.mark.parametrize("kinds", [(), ("ssh",), ("winrm",)])
def test_without_a_place_to_log_in_nothing_can_be_told(make_spec: Spec, kinds: tuple[str, ...]) -> None:
    """An exception, never a rejection; nor does a probe of another kind than the target's."""
    probes = {kind: _Probe(lambda: Verdict.ACCEPTED) for kind in kinds}
    seen = Observation(variant="any", login=None if "ssh" in kinds else TARGET)
    bound = _guarded(make_spec(), _observing(seen), probes=probes)
    assert not bound.can_ask(seen)
    with pytest.raises(CannotVerify):
        bound.verify(NEW)


def test_the_targets_kind_chooses_the_probe(make_spec: Spec) -> None:
    """One driver may have machines of both kinds."""
    probes = {kind: _Probe(lambda: Verdict.ACCEPTED) for kind in ("ssh", "winrm")}
    target = LoginTarget("winrm", "host", 5986, "Administrator", "sha256:00")
    bound = _guarded(make_spec(), _observing(Observation(variant="any", login=target)), probes=probes)
    assert bound.verify(NEW) is Verdict.ACCEPTED
    assert (probes["ssh"].targets, probes["winrm"].targets) == ([], [target])


def test_the_deployments_login_goes_before_the_vendors(make_spec: Spec) -> None:
    """And needs no look at the vendor."""
    probe, mine = _Probe(lambda: Verdict.ACCEPTED), LoginTarget("ssh", "mine", 22, "root", "ssh-rsa BBBB")
    bound = _guarded(make_spec(), _Bare(lambda: None), probes={"ssh": probe}, login=mine)
    assert bound.can_ask(Observation(variant="any", login=TARGET))
    assert bound.verify(NEW) is Verdict.ACCEPTED
    assert probe.targets == [mine]


UNPINNED = LoginTarget("ssh", "host", 22, "root")


def test_a_hosts_first_key_is_trusted_only_where_the_deployment_says_so(make_spec: Spec) -> None:
    """It is learnt once, without a login, and pinned from then on; a key that stands in the secret goes before it."""
    probe, seen = _Probe(lambda: Verdict.ACCEPTED), Observation(variant="any", login=UNPINNED)
    wary = _guarded(make_spec(), _observing(seen), probes={"ssh": probe})
    assert wary.trusting(seen) is wary
    assert (wary.can_ask(seen), probe.asked) == (False, [])
    bound = _guarded(make_spec(), _observing(seen), probes={"ssh": probe}, trust_first_use=True)
    learnt = bound.trusting(seen)
    assert (learnt.host_key, learnt.can_ask(seen)) == ("ssh-rsa AAAA", True)
    assert learnt.verify(NEW) is Verdict.ACCEPTED
    assert probe.targets == [LoginTarget("ssh", "host", 22, "root", "ssh-rsa AAAA")]
    assert learnt.trusting(seen) is learnt
    pinned = Observation(variant="any", login=TARGET)
    assert learnt.target(pinned) == TARGET
    assert probe.asked == [("host", 22)]


@pytest.mark.parametrize(
    ("seen", "kind"),
    [
        (Observation(variant="any", login=TARGET), "ssh"),
        (Observation(variant="any", login=UNPINNED, power=Power.STOPPED), "ssh"),
        (Observation(variant="any"), "ssh"),
        (Observation(variant="any", login=UNPINNED), "winrm"),
    ],
)
def test_no_key_is_learnt_where_there_is_none_to_learn(make_spec: Spec, seen: Observation, kind: str) -> None:
    """A pinned one, a machine that is off, no address, a probe that shows none."""
    probe = _Probe(lambda: None)
    bound = _guarded(make_spec(), _observing(seen), probes={kind: probe}, trust_first_use=True)
    assert bound.trusting(seen) is bound
    assert probe.asked == []


def test_a_host_that_shows_no_key_stops_what_needs_a_login(make_spec: Spec) -> None:
    """With its own code; where less proof is enough the rotation goes on without."""
    probe = _Probe(lambda: None, key=CannotVerify("closed", vendor_code="port_closed"))
    seen = Observation(variant="any", login=UNPINNED)
    fields: dict[str, Any] = {"probes": {"ssh": probe}, "trust_first_use": True}
    with pytest.raises(CannotVerify) as caught:
        _guarded(make_spec(), _observing(seen), **fields).trusting(seen)
    assert caught.value.vendor_code == "port_closed"
    lenient = _guarded(make_spec(), _observing(seen), minimum=Evidence.ACCEPTED, **fields)
    assert lenient.trusting(seen) is lenient


def test_who_can_log_in(make_spec: Spec) -> None:
    """The driver itself, or a probe."""
    assert _guarded(make_spec(), _Whole(lambda: None)).can_log_in
    assert _guarded(make_spec(), _Bare(lambda: None), probes={"ssh": _Probe(lambda: None)}).can_log_in
    assert not _guarded(make_spec(), _Bare(lambda: None)).can_log_in


def test_a_driver_that_cannot_look_has_one_variant(make_spec: Spec) -> None:
    """Its only policy applies."""
    assert _guarded(make_spec(), _Bare(lambda: None)).observe() == Observation(variant="any")


def test_obstacles_are_scrubbed(make_spec: Spec) -> None:
    """They are raised later by the engine, past the guard."""
    obstacle = PreconditionFailed(f"key {KEY.reveal()}")
    seen = _guarded(make_spec(), _observing(Observation(variant="any", obstacles=(obstacle,)))).observe()
    assert seen.obstacles == (obstacle,)
    assert "canary" not in _everything(obstacle)


def test_a_task_is_polled_by_the_driver(make_spec: Spec) -> None:
    """A driver that gives tasks without being able to poll them is broken."""
    progress = Progress(TaskState.RUNNING)
    assert _guarded(make_spec(), _Whole(lambda: progress)).poll(Task("t")) is progress
    with pytest.raises(DriverBug, match="cannot poll"):
        _guarded(make_spec(), _Bare(lambda: None)).poll(Task("t"))


@pytest.mark.parametrize(
    ("minimum", "verifies", "probe", "login", "problem"),
    [
        (Evidence.ACCEPTED, False, None, None, None),
        (Evidence.READBACK, False, None, None, None),
        (Evidence.LOGIN, True, None, None, None),
        (Evidence.LOGIN, False, None, None, "has no login check"),
        (Evidence.LOGIN, False, "ssh", TARGET, None),
        (Evidence.LOGIN, False, "ssh", None, "names no login address"),
        (Evidence.LOGIN, False, "winrm", TARGET, "names no login address"),
        (Evidence.LOGIN, False, "ssh", LoginTarget("ssh", "host", 22, "root"), "no key"),
        (Evidence.LOGIN, False, "ssh", LoginTarget("ssh", "host", 22, "root", ""), "no key"),
        (Evidence.READBACK, False, "ssh", None, None),
    ],
)
def test_what_can_never_be_proved_is_refused_before_anything_changes(  # noqa: PLR0913, PLR0917 - the columns of the table
    make_spec: Spec,
    minimum: Evidence,
    verifies: bool,  # noqa: FBT001 - same
    probe: str | None,
    login: LoginTarget | None,
    problem: str | None,
) -> None:
    """LOGIN needs a login check, and a probe needs an address of its kind, and all that it says it needs."""
    driver = (_Whole if verifies else _Bare)(lambda: None)
    shared = {probe: _Probe(lambda: None)} if probe else {}
    bound = _guarded(make_spec(), driver, probes=shared, minimum=minimum)
    if problem is None:
        bound.require_provable(Observation(variant="default", login=login))
        return
    with pytest.raises(ConfigError, match=problem) as caught:
        bound.require_provable(Observation(variant="default", login=login))
    assert caught.value.hint
    assert driver.calls == []
