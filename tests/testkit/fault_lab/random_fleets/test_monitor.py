"""What the monitors call a violation, and what they put down to an outsider."""

import pytest

from rotation.core.document import SecretDocument
from rotation.core.secret import Secret
from rotation.state.stages import CURRENT, PENDING, PREVIOUS
from rotation_testkit.fault_lab.invariants import Violation
from rotation_testkit.fault_lab.random_fleets.play.settle import settle
from rotation_testkit.fault_lab.random_fleets.schedule.script import Script, ScriptError, play


def test_losing_the_last_label_of_the_live_password_is_a_violation_unless_an_outsider_did_it(only):
    """The same state is a violation by the engine's hand and excused by an outsider's."""
    for strips, found in ((True, False), (False, True)):
        fleet, member = only("admin")
        fleet.apply({"do": "attempt"})
        fleet.apply({"do": "restore", "back": 1})
        live = member.secret.holder(PREVIOUS)
        if strips:
            fleet.apply({"do": "strip", "what": "all", "back": 0})
            assert member.secret.labels(live) == set()
            settle(fleet)
        else:
            for label in sorted(member.secret.labels(live)):
                member.secret.detach(label, live)
            with pytest.raises(Violation, match=r"^I1"):
                member.monitor.after_effect()
        assert bool(member.monitor.found) is found


def test_committing_what_was_not_proved_is_a_violation(only):
    """A value that the vendor was never sent may not be committed."""
    fleet, member = only("admin")
    fleet.apply({"do": "attempt"})
    member.secret.put("foreign", SecretDocument({"password": "never sent"}), PENDING)
    with pytest.raises(Violation, match=r"^I2"):
        member.secret.move(CURRENT, source=member.secret.holder(CURRENT), target="foreign")


def test_what_was_proved_may_be_committed_after_an_outsider_changed_it(only):
    """Between testSecret and finishSecret somebody resets by console: the drift check is there for that."""
    fleet, member = only("admin")
    fault = {"at": "move", "nth": 2, "kind": "event", "do": {"do": "console"}}
    assert fleet.apply({"do": "attempt", "faults": [fault]}) == "done"
    assert member.secret.passwords[member.secret.holder(CURRENT)] != member.vendor.live
    settle(fleet)


def test_releasing_a_candidate_that_may_be_live_is_a_violation(only):
    """A candidate whose answer was lost may not be released."""
    fleet, member = only("admin")
    fleet.apply({"do": "attempt", "faults": [{"at": "set_password", "nth": 1, "kind": "lost"}]})
    (mark,) = (label for label in member.secret.labels(member.token) if label.startswith("lockstep:intent:"))
    member.secret.detach(mark, member.token)
    with pytest.raises(Violation, match=r"^I5"):
        member.secret.detach(PENDING, member.token)


def test_sending_needs_the_token_its_mark_and_the_lease(only, run_of):
    """A reset needs its token's candidate, an intent mark and the lease when it reaches the vendor."""
    _, member = only("admin")
    member.secret.put("token-1", SecretDocument({"password": "candidate"}), PENDING)
    run = run_of(member)
    with pytest.raises(Violation, match=r"^I4"):
        member.monitor.sending(run, Secret("something else"))
    with pytest.raises(Violation, match=r"^I5"):
        member.monitor.sending(run, Secret("candidate"))
    member.secret.attach("lockstep:intent:1700000000", "token-1")
    with pytest.raises(Violation, match=r"^I12"):
        member.monitor.sending(run, Secret("candidate"))
    other = run_of(member)
    member.monitor.acting += [run, other]
    with pytest.raises(Violation, match="another run"):
        member.monitor.sending(run, Secret("candidate"))
    other.gate.dead = True
    member.monitor.sending(run, Secret("candidate"))


def test_more_wrong_logins_than_the_budget_are_a_violation(only, run_of):
    """Wrong logins of a human do not count."""
    _, member = only("self")
    run = run_of(member)
    member.wrong_logins = run.wrong
    member.vendor.guess_wrong(4)
    for _ in range(3):
        member.monitor.wrong_login(late=False)
    member.monitor.after_run(run)
    member.monitor.wrong_login(late=False)
    with pytest.raises(Violation, match=r"^I6"):
        member.monitor.after_run(run)


def test_a_password_in_a_text_is_a_violation(only):
    """A text that shows a password is a violation, a harmless one is none."""
    _, member = only("admin")
    member.monitor.text(["harmless"])
    with pytest.raises(Violation, match=r"^I9"):
        member.monitor.text(["harmless", f"but {member.vendor.live.reveal()} is not"])


def test_an_outside_change_parks_a_self_service_account_until_a_human_puts_the_password_in(only):
    """Only the human knows the password, and AWSCURRENT stays where it is."""
    fleet, member = only("self")
    before = member.secret.holder(CURRENT)
    fleet.apply({"do": "console"})
    fleet.apply({"do": "wait", "seconds": 600})
    assert fleet.apply({"do": "attempt"}) == "parked"
    assert (member.failure.reason, member.secret.holder(CURRENT)) == ("external_change", before)
    settle(fleet)
    assert member.secret.holder(CURRENT) != before


def test_an_outside_change_is_healed_by_an_administrators_reset(only):
    """An administrator's reset heals it without a human."""
    fleet, member = only("admin")
    fleet.apply({"do": "console"})
    assert fleet.apply({"do": "attempt"}) == "done"
    assert member.secret.passwords[member.secret.holder(CURRENT)] == member.vendor.live


def test_the_service_begins_nothing_while_an_older_rotation_is_pending(only):
    """As Secrets Manager refuses RotateSecret then; a cancelled rotation that kept its stage is such a one."""
    fleet, _ = only("admin")
    fleet.apply({"do": "attempt", "faults": [{"at": "set_password", "nth": 1, "kind": "crash"}]})
    fleet.apply({"do": "cancel", "strip": False})
    assert fleet.apply({"do": "attempt"}) == "nothing to do"
    settle(fleet)


def test_time_outs_end_a_run_as_a_crash_does(only):
    """A stall of a minute at any effect is the end of the invocation."""
    fleet, member = only("admin")
    assert fleet.apply({"do": "attempt", "faults": [{"at": 10, "kind": "pause", "seconds": 61}]}) == "crash"
    assert member.vendor.resets == 0
    settle(fleet)


@pytest.mark.parametrize(
    "text", ["", "[1]", "not JSON", '{"fleet": []}', '{"fleet": ["no such"]}', '{"fleet": ["self"]}\n{"wait": 1}']
)
def test_what_is_no_script_is_refused(text):
    """A text that is no script is refused with a ``ScriptError``."""
    with pytest.raises(ScriptError):
        Script.parse(text)


def test_an_unknown_action_is_refused():
    """An unknown action is refused before anything is played."""
    with pytest.raises(ScriptError, match="line 2: do must be one of wait, "):
        Script.parse('{"fleet": ["self"]}\n{"do": "nonsense"}')


def test_a_script_with_empty_lines_is_played():
    """Empty lines in a script are ignored."""
    assert play(Script.parse('\n{"fleet": ["self"]}\n\n{"do": "attempt"}\n')) is None


def test_a_run_that_goes_by_an_earlier_finding_is_not_blamed_for_it():
    """An outsider makes a candidate current whose reset still applies: current was rejected, and is live soon."""
    paused = {"at": "set_password", "nth": 1, "kind": "pause", "seconds": 30}
    actions = [
        {"do": "parallel", "runs": [{"do": "attempt", "faults": [paused]}], "turns": 770389},
        {"do": "restore", "back": 0},
    ]

    assert play(Script(["self-late"], actions)) is None
