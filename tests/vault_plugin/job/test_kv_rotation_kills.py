"""Job and server really die in the middle of a rotation on a real server, and the next run ends in stored = live."""

from __future__ import annotations

import json

import pytest

from rotation_testkit.doubles.vault.kv2 import ServedKv, until_it_serves
from rotation_testkit.fault_lab.in_memory.fuse import Edge
from rotation_testkit.sandbox.sandbox import HUAWEI, LINUX_VM, UCLOUD, VOLCENGINE

LEASE = 160.0
"""Seconds after which a dead run's lease is over."""
A_DAY = 90_000.0
"""After which neither a minimum age nor a wrong login counts any more."""


def points(job, started, account):
    """Return the effects of a clean rotation at which a death matters: no reads, nor the check of rights."""
    clean = job.run(started.path(account))
    assert clean.report["outcome"] == "promoted", clean.report
    started.world.clock.sleep(A_DAY)
    check = clean.effects.index("commit") + 1  # the first one is refused, so that nothing comes after it
    return [number for number, name in enumerate(clean.effects, 1) if name != "read" and number != check]


def resume(job, started, account, where):
    """Run the job until it is done, as its schedule would, and check the result."""
    for _ in range(8):  # the host's window for a wrong login that a death may have left takes 900 s
        started.world.clock.sleep(LEASE)
        ended = job.run(started.path(account), attempts=3)
        if not ended.died and ended.report["error"] is None:
            break
    assert ended.report is not None, where
    assert ended.report["error"] is None, f"{where}: {ended.report}"
    assert started.heals(account), where
    assert started.journal(account)["lease"] is None, where
    assert started.store(account).unfinished() is None, where
    started.world.clock.sleep(A_DAY)


def kill_everywhere(job, started, account, numbers, edge):
    """Kill the job at each effect in turn, each in a new rotation, and let the next run take over."""
    for number in numbers:
        where = f"{account}, killed {edge} effect {number}"
        resets, wrong = started.world.changes(account), started.world.wrong_logins(account)
        died = job.run(started.path(account), at=number, edge=edge)
        assert died.died, where
        candidates = {started.stored(account).reveal()} | in_journal(started, account)
        assert started.world.live(account).reveal() in candidates, f"{where}: the live password is lost"
        resume(job, started, account, where)
        assert started.world.changes(account) - resets <= 2, where
        assert started.world.wrong_logins(account) - wrong <= 1, where


def in_journal(started, account):
    """Return the passwords of the candidates in the journal."""
    store = started.store(account)
    values = (store.read(version_id) for version_id in store.describe().versions)
    return {value.document.password.reveal() for value in values if value is not None}


def test_a_job_killed_between_lease_and_settling_is_taken_over(real, mortal, openbao):
    """A self-service account, the hardest case, costs one more reset and one wrong login at most."""
    with real(holding=(HUAWEI,)) as started:
        job = mortal(started, openbao)
        dangerous = points(job, started, HUAWEI)[-9::4]  # the long one takes them all
        kill_everywhere(job, started, HUAWEI, dangerous, Edge.AFTER)


def test_a_first_commit_whose_job_was_killed_is_announced_by_the_next_run(real, mortal, openbao, tmp_path):
    """The event comes with the token that became current, although no label was left to settle."""
    place = tmp_path / "events.jsonl"
    with real(holding=(VOLCENGINE,)) as started:
        job = mortal(started, openbao)
        job.environment = {**job.environment, "LOCKSTEP_EVENTS_LINES": str(place)}
        assert job.run(started.path(VOLCENGINE), at=2, only="commit").died  # the first checks the right to write
        assert started.heals(VOLCENGINE)
        died = [json.loads(line) for line in place.read_text().splitlines()]
        assert "committed" not in {each["kind"] for each in died}
        started.world.clock.sleep(A_DAY)
        assert job.run(started.path(VOLCENGINE)).report["error"] is None
        first = json.loads(place.read_text().splitlines()[len(died)])
        assert (first["kind"], first["token"]) == ("committed", died[0]["token"])


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("edge", list(Edge))
@pytest.mark.parametrize("account", [HUAWEI, UCLOUD, LINUX_VM, VOLCENGINE])
def test_a_job_killed_at_any_effect_is_taken_over(real, mortal, openbao, account, edge):
    """A death before or after any effect except reads is taken over, for every account."""
    with real(holding=(account,)) as started:
        job = mortal(started, openbao)
        kill_everywhere(job, started, account, points(job, started, account), edge)


def start(server):
    """Start a plug-in and read its line."""
    server.start()
    until_it_serves(ServedKv(server.client(), "secret"))


def kill_server(job, started, account, server, number, *, gently):  # noqa: PLR0913 - what, where and how
    """End the server before an effect, let the job meet that, start the server, and let the next run take over."""
    where = f"{account}, server {'ended' if gently else 'killed'} before effect {number}"
    job.on_pause = server.terminate if gently else server.kill
    met = job.run(started.path(account), at=number, edge=Edge.BEFORE, pauses=True)
    job.on_pause = lambda: None
    start(server)
    assert met.report is not None, where
    resume(job, started, account, where)


def test_a_server_killed_around_the_reset_and_at_the_commit(on_raft, mortal, raft):
    """The server keeps what it acknowledged, and the next run finds out what it did not."""
    with on_raft(holding=(HUAWEI,)) as started:
        job = mortal(started, raft)
        clean = job.run(started.path(HUAWEI))
        started.world.clock.sleep(A_DAY)
        reset, commit = (clean.effects.index(name) + 1 for name in ("request", "commit"))
        for number, gently in ((reset, False), (commit, True)):
            kill_server(job, started, HUAWEI, raft, number, gently=gently)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("gently", [False, True])
@pytest.mark.parametrize("account", [HUAWEI, UCLOUD])
def test_a_server_killed_at_any_effect(on_raft, mortal, raft, account, gently):
    """A server that ends before any second effect, reads included, costs no password."""
    with on_raft(holding=(account,)) as started:
        job = mortal(started, raft)
        clean = job.run(started.path(account))
        started.world.clock.sleep(A_DAY)
        for number in range(1, len(clean.effects) + 1, 2):
            kill_server(job, started, account, raft, number, gently=gently)


def test_a_server_killed_and_back_again_is_not_noticed(on_raft, mortal, raft):
    """The job goes on with a new connection, and nothing is lost or sent twice."""
    with on_raft(holding=(HUAWEI,)) as started:
        job = mortal(started, raft)
        names = job.run(started.path(HUAWEI)).effects
        after_the_reset = names.index("read", names.index("request")) + 1
        started.world.clock.sleep(A_DAY)

        def restart():
            raft.kill()
            start(raft)

        job.on_pause = restart
        ended = job.run(started.path(HUAWEI), at=after_the_reset, edge=Edge.BEFORE, pauses=True, attempts=3)
        assert ended.report["error"] is None, ended.report
        assert started.heals(HUAWEI)
        assert started.world.changes(HUAWEI) == 2
        assert started.world.wrong_logins(HUAWEI) == 0
