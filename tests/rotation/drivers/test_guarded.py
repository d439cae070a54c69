"""The wrapper around drivers: only typed errors come out, without a secret, and nothing starts too late."""

import traceback
from dataclasses import replace

import pytest

from rotation.core import errors
from rotation.core.secret import Secret
from rotation.core.values import Lockout, LoginTarget, Observation, Power, Progress, TargetRules, Task, TaskState
from rotation.drivers.guarded import BY_STATE, RESERVE_SECONDS
from rotation.drivers.tokens import Token, Tokens
from rotation.drivers.vendors.huawei_meeting.policy import POLICIES

NEW, OLD, KEY = Secret("canary/new +%Ä"), Secret('canary?old&"\\='), Secret("canary-key")
CANARIES = (NEW, OLD, KEY)
TARGET = LoginTarget("ssh", "host", 22, "root", "ssh-ed25519 AAAA")
VERBS = {
    "set_password": lambda bound: bound.set_password(NEW, current=OLD),
    "observe": lambda bound: bound.observe(),
    "verify": lambda bound: bound.verify(NEW),
    "poll": lambda bound: bound.poll(Task("t")),
}


def _leaky(error):
    """Return an act that raises ``error`` from another error, from a frame that holds every value in plain text."""

    def act():
        plain = [each.reveal() for each in CANARIES]
        try:
            raise ValueError(*plain)  # noqa: TRY301 - a cause is what is made here
        except ValueError as cause:
            error.add_note(plain[0])
            raise error from cause

    return act


def _everything(error):
    """Return all text that can be reached from an error: causes, contexts, notes, frames of the product and driver."""
    parts = []
    waiting = [error]
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


def _caught(bound, verb):
    with pytest.raises(errors.RotationError) as caught:
        VERBS[verb](bound)
    return caught.value


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    "foreign", [ValueError, KeyError, OSError, UnicodeError, AssertionError, errors.StoreUnavailable]
)
def test_a_foreign_error_becomes_a_driver_bug_that_names_its_type(kit, verb, foreign):
    """Its text, cause, notes and frames are withheld; an error of another part of Lockstep is named by its code."""
    error = _caught(kit.bind(kit.whole(_leaky(foreign(NEW.reveal())))), verb)
    assert type(error) is errors.DriverBug
    assert str(error) == (
        "store_unavailable" if foreign is errors.StoreUnavailable else f"acme raised {foreign.__name__}"
    )
    assert not error.definite
    assert "canary" not in _everything(error)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    "typed",
    [
        errors.VendorUnavailable,
        errors.OutcomeUnknown,
        errors.AccountLocked,
        errors.HostNotAllowed,
        errors.NotEnoughTime,
    ],
)
def test_a_typed_error_passes_scrubbed_and_cut(kit, verb, typed):
    """A new error of the same class is raised; its message, hint, vendor's code and request id are masked."""
    secrets = {"set_password": CANARIES, "verify": (NEW, KEY)}.get(verb, (KEY,))
    text = " ".join(each.reveal() for each in secrets)
    raised = typed(text, hint=text, vendor_code=text, request_id=text, not_before=7.0)
    bound = kit.bind(kit.whole(_leaky(raised)))
    error = _caught(bound, verb)
    assert type(error) is typed
    assert error.not_before == 7.0
    assert "canary" not in _everything(error)
    assert str(error) == " ".join(["[secret]"] * len(secrets))


def test_an_interrupt_is_let_through(kit):
    """A ``KeyboardInterrupt`` must end the process."""
    with pytest.raises(KeyboardInterrupt):
        kit.bind(kit.bare(_leaky(KeyboardInterrupt()))).set_password(NEW, current=None)


@pytest.mark.parametrize(("left", "starts"), [(15 + RESERVE_SECONDS - 0.01, False), (15 + RESERVE_SECONDS, True)])
def test_no_change_is_started_with_too_little_time_left(kit, left, *, starts):
    """The driver is called only if its longest time and the reserve fit into the time left; it gets both passwords."""
    driver = kit.bare(lambda: Task("t-1"))
    bound = kit.bind(driver, call_seconds=15, left=left)
    if starts:
        assert bound.set_password(NEW, current=OLD) == Task("t-1")
    else:
        with pytest.raises(errors.NotEnoughTime, match="15 s"):
            bound.set_password(NEW, current=OLD)
    assert driver.calls == [("set", OLD)] * starts


def test_an_error_of_the_probe_is_scrubbed(kit):
    """An error of a probe's library may quote the password, so its text is withheld."""
    seen = Observation(variant="any", login=TARGET)
    bound = kit.bind(kit.observing(seen), probes={"ssh": kit.probe(_leaky(OSError()))})
    error = _caught(bound, "verify")
    assert type(error) is errors.DriverBug
    assert "canary" not in _everything(error)


def test_what_a_driver_lacks_is_a_fault_only_if_it_is_needed(kit):
    """Without ``observe`` the only policy applies; a driver must poll its tasks and switch where it needs a state."""
    progress, bare = Progress(TaskState.RUNNING), kit.bind(kit.bare(lambda: None))
    assert kit.bind(kit.whole(lambda: progress)).poll(Task("t")) is progress
    assert bare.observe() == Observation(variant="any")
    with pytest.raises(errors.DriverBug, match="cannot poll"):
        bare.poll(Task("t"))
    with pytest.raises(errors.DriverBug, match="cannot switch"):
        bare.switch(Power.STOPPED)
    several = replace(
        bare, spec=replace(bare.spec, policies={"any": POLICIES["default"], "other": POLICIES["default"]})
    )
    with pytest.raises(errors.DriverBug, match="cannot tell which one applies"):
        several.observe()


def test_obstacles_are_scrubbed(kit):
    """Obstacles are scrubbed at once, since the engine raises them later outside the wrapper."""
    obstacle = errors.PreconditionFailed(f"key {KEY.reveal()}")
    seen = kit.bind(kit.observing(Observation(variant="any", obstacles=(obstacle,)))).observe()
    assert [(type(each), str(each)) for each in seen.obstacles] == [(errors.PreconditionFailed, "key [secret]")]
    assert "canary" not in _everything(seen.obstacles[0])


@pytest.mark.parametrize("answer", [None, False, True, "rejected", 0])
def test_anything_but_a_verdict_could_not_tell(kit, answer):
    """Such an answer must count neither as a wrong login nor as a right one."""
    with pytest.raises(errors.DriverBug, match="no verdict"):
        kit.bind(kit.whole(lambda: answer)).verify(NEW)
    seen = Observation(variant="any", login=TARGET)
    with pytest.raises(errors.DriverBug, match="no verdict"):
        kit.bind(kit.observing(seen), probes={"ssh": kit.probe(lambda: answer)}).verify(NEW)


RULES = TargetRules(source="GET /rules", max_length=16, min_age_seconds=900, lockout=Lockout(3, 900))


def test_the_targets_own_rules_narrow_everything(kit):
    """Policy, minimum age and lock-out are the stricter of what the record declares and what the target says."""
    driver = kit.observing(Observation("any", rules=RULES))
    bound = kit.bind(driver)
    bound = replace(bound, spec=replace(bound.spec, reads_rules=True, lockout=Lockout(5, 300)))
    assert (bound.lockout, bound.min_age_seconds) == (Lockout(3, 900), 900)
    assert bound.policy(bound.observe()).max_length == 16
    assert bound.rules == RULES


def test_the_target_is_asked_for_its_rules_once(kit):
    """The first question about a rule looks at the target, later ones do not, and a look of the engine counts too."""
    looks = []
    driver = kit.bare(lambda: None)
    driver.observe = lambda _: looks.append(1) or Observation("any", rules=RULES)
    bound = kit.bind(driver)
    bound = replace(bound, spec=replace(bound.spec, reads_rules=True))
    assert (bound.lockout.tries, bound.min_age_seconds, len(looks)) == (3, 900, 1)
    seen = bound.observe()
    assert (bound.policy(seen).max_length, bound.lockout.tries, len(looks)) == (16, 3, 2)


def test_a_driver_that_reads_no_rules_is_not_asked(kit):
    """Its declared and assumed rules hold without a look."""
    bound = kit.bind(kit.bare(lambda: None))
    assert (bound.rules, bound.lockout) == (None, bound.spec.lockout)


@pytest.mark.parametrize("promise", ["reads_rules", "completes_by_state"])
def test_an_observation_that_breaks_its_records_promise_is_the_drivers_bug(kit, promise):
    """Rules that are missing must not count as none, and a state that is missing not as done."""
    bound = kit.bind(kit.observing(Observation("any")))
    bound = replace(bound, spec=replace(bound.spec, **{promise: True}))
    with pytest.raises(errors.DriverBug):
        bound.observe()


def test_a_reset_without_a_task_is_polled_by_the_targets_state(kit):
    """The yes of a driver that completes by state stands for a task; its progress is what the target shows."""
    seen = [TaskState.RUNNING, TaskState.DONE]
    driver = kit.bare(lambda: None)
    driver.observe = lambda _: Observation("any", change=seen[0])
    bound = kit.bind(driver)
    assert bound.set_password(NEW, current=None) is None
    bound = replace(bound, spec=replace(bound.spec, completes_by_state=True))
    task = bound.set_password(NEW, current=None)
    assert task == BY_STATE
    assert bound.poll(task) == Progress(TaskState.RUNNING)
    assert [type(each) for each in bound.observe().obstacles] == [errors.InProgress]
    seen.pop(0)
    assert bound.poll(task) == Progress(TaskState.DONE)
    assert bound.observe().obstacles == ()


def test_a_forged_label_does_not_pass_for_a_state(kit):
    """Labels can be written by others: for a driver with tasks, ``by-state`` is a task like any other."""
    driver = kit.whole(lambda: Progress(TaskState.FAILED))
    assert kit.bind(driver).poll(BY_STATE) == Progress(TaskState.FAILED)


def test_a_reset_that_applies_at_the_next_start_needs_a_stopped_machine():
    """The engine then stops, resets and starts by the machinery of vendors that reset stopped machines alone."""
    assert Observation("any", power=Power.RUNNING, applies_at_start=True).reset_needs is Power.STOPPED
    assert Observation("any", power=Power.RUNNING).reset_needs is None


@pytest.mark.shows_secrets("error", reason="a driver's own error, before the wrapper scrubs it")
def test_a_token_from_a_login_is_scrubbed_like_the_admin_credential(kit):
    """What the vendor handed out at a login does not leave in an error, not even after it was dropped."""
    tokens = Tokens(lambda: 0.0)
    for value in ("canary-token-1", "canary-token-2"):
        tokens.valid("iam", lambda value=value: Token(Secret(value), expires_at=0.0))

    def act():
        raise errors.PermissionDenied("no canary-token-1 and no canary-token-2")

    with pytest.raises(errors.PermissionDenied) as caught:
        kit.bind(kit.whole(act), tokens=tokens).observe()
    assert "canary-token" not in str(caught.value)
