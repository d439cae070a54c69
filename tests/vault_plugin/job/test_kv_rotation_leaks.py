"""No password, candidate or admin key is in anything that the server or the job writes down outside the seal."""

from __future__ import annotations

from rotation.core.errors import RotationError
from rotation_testkit.canary.spellings import spellings
from rotation_testkit.doubles.vault.kv2 import until_it_serves
from rotation_testkit.fault_lab.in_memory.fuse import Edge
from rotation_testkit.sandbox.sandbox import HUAWEI, UCLOUD


def test_nothing_shows_in_log_audit_device_or_storage(on_raft, mortal, raft):
    """Clean, killed and resumed rotations and a killed server leave no secret in log, audit device or storage."""
    with on_raft(holding=(HUAWEI, UCLOUD)) as started:
        job = mortal(started, raft)
        secrets = [raft.root_token]
        admin = started.world.vendors[UCLOUD].admin["private_key"]
        for account in (UCLOUD, HUAWEI):
            secrets.append(started.stored(account))
            clean = job.run(started.path(account))
            assert clean.report["error"] is None
            secrets.append(started.stored(account))
        started.world.clock.sleep(90_000)
        after_the_reset = clean.effects.index("write", clean.effects.index("request")) + 1
        assert job.run(started.path(HUAWEI), at=after_the_reset, edge=Edge.AFTER).died
        raft.kill()
        raft.start()
        until_it_serves(started.kv)
        started.world.clock.sleep(130 + 60)
        ended = job.run(started.path(HUAWEI), attempts=3)
        assert ended.report["error"] is None
        secrets.append(started.stored(HUAWEI))
        raft.terminate()
        raw = {secret.reveal() for secret in secrets} | {admin}
        forms = {form for secret in secrets for form in spellings(secret)} | raw
        written = {path: path.read_bytes() for path in raft.home.rglob("*") if path.is_file()}
        assert {"server.log", "audit.log", "vault.db"} <= {path.name for path in written}
        assert started.path(HUAWEI) in written[raft.audit].decode()
        for path, content in written.items():
            looked_for = forms if path.suffix == ".log" else raw  # storage is large, and encrypted as a whole
            assert not [form for form in looked_for if form.encode() in content], path.name


def test_a_report_and_its_errors_hold_no_value(modelled, rotate):
    """The report of a good and of a failed rotation holds no value."""
    with modelled(holding=(HUAWEI,)) as started:
        report = repr(rotate(started, HUAWEI).describe())
        started.kv.delete(started.path(HUAWEI))
        done = rotate(started, HUAWEI)
        assert isinstance(done.error, RotationError)
        report += repr(done) + repr(done.describe())
        for secret in (started.world.live(HUAWEI),):
            assert not any(form in report for form in spellings(secret))
