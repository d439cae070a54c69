"""The login behind the wrapper: whether, where and with which key, and what can never be proved."""

import dataclasses
from dataclasses import replace

import pytest

from rotation.core.errors import CannotVerify, ConfigError, NotEnoughTime
from rotation.core.secret import Secret
from rotation.core.values import Evidence, LoginTarget, Observation, Power, PowerWish, Verdict

NEW = Secret("canary/new +%Ä")
TARGET = LoginTarget("ssh", "host", 22, "root", "ssh-ed25519 AAAA")


@pytest.mark.parametrize("verdict", Verdict)
def test_a_verdict_comes_through(kit, verdict):
    """A verdict of the driver's own login call or of the shared probe is returned as it is."""
    seen = Observation(variant="any", login=TARGET)
    probe = kit.probe(lambda: verdict)
    assert kit.bind(kit.whole(lambda: verdict)).verify(NEW) is verdict
    assert kit.bind(kit.observing(seen), probes={"ssh": probe}).verify(NEW) is verdict
    assert probe.targets == [TARGET]


@pytest.mark.parametrize("kinds", [(), ("ssh",), ("winrm",)])
def test_without_a_place_to_log_in_there_is_no_verdict(kit, kinds):
    """A missing target or a probe of another kind raises, and never counts as a rejection."""
    probes = {kind: kit.probe(lambda: Verdict.ACCEPTED) for kind in kinds}
    seen = Observation(variant="any", login=None if "ssh" in kinds else TARGET)
    bound = kit.bind(kit.observing(seen), probes=probes)
    assert not bound.can_ask(seen)
    with pytest.raises(CannotVerify):
        bound.verify(NEW)


def test_the_targets_kind_chooses_the_probe(kit):
    """One driver may have machines of both kinds."""
    probes = {kind: kit.probe(lambda: Verdict.ACCEPTED) for kind in ("ssh", "winrm")}
    target = LoginTarget("winrm", "host", 5986, "Administrator", "sha256:00")
    bound = kit.bind(kit.observing(Observation(variant="any", login=target)), probes=probes)
    assert bound.verify(NEW) is Verdict.ACCEPTED
    assert (probes["ssh"].targets, probes["winrm"].targets) == ([], [target])


def test_the_deployments_login_goes_before_the_vendors(kit):
    """The deployment's login target takes precedence, and the vendor is not asked."""
    probe, mine = kit.probe(lambda: Verdict.ACCEPTED), LoginTarget("ssh", "mine", 22, "root", "ssh-rsa BBBB")
    bound = kit.bind(kit.bare(lambda: None), probes={"ssh": probe}, configured=mine)
    assert bound.can_ask(Observation(variant="any", login=TARGET))
    assert bound.verify(NEW) is Verdict.ACCEPTED
    assert probe.targets == [mine]


UNPINNED = LoginTarget("ssh", "host", 22, "root")


def test_a_hosts_first_key_is_trusted_only_where_the_deployment_says_so(kit):
    """The key is learnt once without a login and pinned from then on; a key in the secret takes precedence."""
    probe, seen = kit.probe(lambda: Verdict.ACCEPTED), Observation(variant="any", login=UNPINNED)
    wary = kit.bind(kit.observing(seen), probes={"ssh": probe})
    assert wary.trusting(seen) is wary
    assert (wary.can_ask(seen), probe.asked) == (False, [])
    bound = kit.bind(kit.observing(seen), probes={"ssh": probe}, trust_first_use=True)
    learnt = bound.trusting(seen)
    assert (learnt.host_key, learnt.can_ask(seen)) == ("ssh-rsa AAAA", True)
    assert learnt.verify(NEW) is Verdict.ACCEPTED
    assert probe.targets == [LoginTarget("ssh", "host", 22, "root", "ssh-rsa AAAA")]
    assert learnt.trusting(seen) is learnt
    pinned = Observation(variant="any", login=TARGET)
    assert learnt.logins.target(pinned) == TARGET
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
def test_no_key_is_learnt_where_there_is_none_to_learn(kit, seen, kind):
    """No key is read for a pinned target, a stopped machine, a missing address or a probe without keys."""
    probe = kit.probe(lambda: None)
    bound = kit.bind(kit.observing(seen), probes={kind: probe}, trust_first_use=True)
    assert bound.trusting(seen) is bound
    assert probe.asked == []


def test_a_host_that_shows_no_key_stops_what_needs_a_login(kit):
    """The probe's error comes out; where less proof is enough, the rotation continues without a key."""
    probe = kit.probe(lambda: None, key=CannotVerify("closed", vendor_code="port_closed"))
    seen = Observation(variant="any", login=UNPINNED)
    fields = {"probes": {"ssh": probe}, "trust_first_use": True}
    with pytest.raises(CannotVerify) as caught:
        kit.bind(kit.observing(seen), **fields).trusting(seen)
    assert caught.value.vendor_code == "port_closed"
    lenient = kit.bind(kit.observing(seen), minimum=Evidence.ACCEPTED, **fields)
    assert lenient.trusting(seen) is lenient


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
    kit, minimum, verifies, probe, login, problem
):
    """LOGIN needs a login check; a probe needs an address of its kind and what its ``unready`` names."""
    driver = (kit.whole if verifies else kit.bare)(lambda: None)
    shared = {probe: kit.probe(lambda: None)} if probe else {}
    bound = kit.bind(driver, probes=shared, minimum=minimum)
    if problem is None:
        bound.require_provable(Observation(variant="default", login=login))
        return
    with pytest.raises(ConfigError, match=problem) as caught:
        bound.require_provable(Observation(variant="default", login=login))
    assert caught.value.hint
    assert driver.calls == []


RUNNING = Observation(variant="default", login=TARGET, power=Power.RUNNING, reset_needs=Power.STOPPED)
CLOSED = CannotVerify("closed", vendor_code="port_closed")


def test_a_host_is_met_before_anything_changes(kit):
    """The host is met without a login, and only where a login by a shared probe is demanded."""
    probe, seen = kit.greeter(), Observation(variant="default", login=TARGET)
    assert kit.bind(kit.observing(seen), probes={"ssh": probe}).require_provable(seen)
    assert (probe.greeted, probe.targets) == ([TARGET], [])
    for unmet in (
        kit.bind(kit.observing(seen), probes={"ssh": probe}, minimum=Evidence.READBACK),
        kit.bind(kit.whole(lambda: None), probes={"ssh": probe}),
        kit.bind(kit.observing(seen), probes={"ssh": kit.probe(lambda: None)}),
    ):
        assert not unmet.require_provable(seen)
    assert len(probe.greeted) == 1


@pytest.mark.parametrize("refusal", [CLOSED, NotEnoughTime("late")])
def test_a_host_that_cannot_be_met_stops_the_rotation(kit, refusal):
    """The rotation stops, since its reset could never be proved."""
    probe, seen = kit.greeter(refusal), Observation(variant="default", login=TARGET)
    with pytest.raises(type(refusal)):
        kit.bind(kit.observing(seen), probes={"ssh": probe}).require_provable(seen)


def test_a_host_that_has_just_shown_its_key_is_not_asked_again(kit):
    """One connection is enough; a key from an earlier rotation has to be shown again."""
    probe, seen = kit.greeter(), Observation(variant="default", login=UNPINNED)
    bound = kit.bind(kit.observing(seen), probes={"ssh": probe}, trust_first_use=True)
    assert bound.trusting(seen).require_provable(seen)
    assert (probe.asked, probe.greeted) == ([("host", 22)], [])
    later = kit.bind(kit.observing(seen), probes={"ssh": probe}, trust_first_use=True, host_key="ssh-rsa AAAA")
    assert later.trusting(seen).require_provable(seen)
    assert len(probe.greeted) == 1


def test_a_machine_that_is_off_is_not_asked(kit):
    """A machine that was found off, or that the caller knows to be off, is not contacted."""
    probe = kit.greeter(CLOSED)
    off = dataclasses.replace(RUNNING, power=Power.STOPPED)
    bound = kit.bind(kit.observing(off), probes={"ssh": probe}, power=PowerWish.RUNNING)
    assert not bound.require_provable(off)
    assert not bound.require_provable(RUNNING, greet=False)
    assert probe.greeted == []


def test_a_machine_that_only_counts_as_running_is_not_held_to_it(kit):
    """An earlier attempt may have stopped the machine for its reset, and the next one must be able to go on."""
    off = dataclasses.replace(RUNNING, power=Power.STOPPED)
    probes = {"ssh": kit.greeter(CLOSED)}
    assert not kit.bind(kit.observing(off), probes=probes).require_provable(RUNNING)
    with pytest.raises(CannotVerify):
        kit.bind(kit.observing(RUNNING), probes=probes).require_provable(RUNNING)
    container = dataclasses.replace(RUNNING, reset_needs=None)
    with pytest.raises(CannotVerify):
        kit.bind(kit.observing(off), probes=probes).require_provable(container)


def test_a_host_without_a_published_rule_is_taken_for_the_strictest(kit):
    """Logins to hosts count by pam_faillock's default: two wrong ones in 900 seconds at most, and the third locks."""
    seen = Observation(variant="default", login=TARGET)
    bound = [kit.bind(kit.observing(seen), probes=probes) for probes in ({"ssh": kit.greeter()}, {})]
    host, own = (replace(each, spec=replace(each.spec, lockout=None)) for each in bound)
    assert (host.lockout.tries, host.lockout.window_seconds, host.lockout.budget) == (3, 900, 2)
    assert (own.lockout.tries, own.lockout.window_seconds, own.lockout.budget) == (5, 600, 3)
