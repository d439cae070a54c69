"""``lockstep vault cancel`` gives a rotation up that cannot go on, and what may be live stays known."""

import re
from math import ceil

from rotation.core.document import SecretDocument
from rotation.state.lease import CLOCK_MARGIN, Claim
from rotation.state.stages import PENDING
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.sandbox.sandbox import BATCH, HUAWEI

CHANGE = "PUT /v1/usg/acs/password"


def edit(started, account, **keys):
    """Change keys of the secret by hand; ``None`` removes a key."""
    entry = started.kv.read(started.path(account))
    document = {key: value for key, value in {**entry.document, **keys}.items() if value is not None}
    started.kv.write(started.path(account), SecretDocument(document), cas=entry.version)


def test_a_rotation_whose_account_was_edited_is_given_up_and_the_next_one_heals(cli, clocked):
    """An edit of the account stops a rotation; after cancel the next one tries its candidate as the previous one."""
    with cli(holding=(HUAWEI,)) as (started, run):
        path = clocked(started).path(HUAWEI)
        started.world.huawei.faults.add(CHANGE, FaultKind.DROP_AFTER)
        assert run("rotate", path, "--attempts=1")[0] == 1
        edit(started, HUAWEI, user_id="42")
        started.world.clock.sleep(1000)
        for _ in range(2):
            code, (report,) = run("rotate", path, "--json")
            assert (code, report["outcome"]) == (4, "identity_changed")
        assert f"`lockstep vault cancel {path}`" in report["error"]["hint"]
        assert run("doctor", path)[0] == 4

        code, (report,) = run("cancel", path, "--json")
        assert (code, report["path"], report["outcome"]) == (0, path, "cancelled")
        assert report["reset_sent"] < started.world.clock.now() - 999
        assert "may be live" in report["hint"]
        state = started.store(HUAWEI).describe()
        assert state.holder(PENDING) is None
        assert state.version(report["token"]).intent == report["reset_sent"]
        assert started.store(HUAWEI).read(report["token"]).document.password == started.world.live(HUAWEI)

        code, (again,) = run("cancel", path, "--json")
        assert (code, again["code"]) == (4, "stage_error")
        edit(started, HUAWEI, user_id=None)
        before = started.world.wrong_logins(HUAWEI)
        started.world.clock.sleep(120)  # a late request of the rotation before counts for a minute
        code, (report,) = run("rotate", path, "--json")
        if code != 0:  # this vendor may count wrong logins in a row, so the ones before still count
            assert (code, report["error"]["reason"]) == (3, "wrong_login_budget")
            started.world.clock.sleep(report["error"]["not_before"] - started.world.clock.now() + 1)
            code, (report,) = run("rotate", path, "--json")
        assert (code, report["outcome"]) == (0, "promoted")
        assert started.heals(HUAWEI)
        assert started.world.changes(HUAWEI) == 2
        assert started.world.wrong_logins(HUAWEI) <= before + 2
        assert run("doctor", path)[0] == 0


def test_a_device_that_is_gone_is_taken_out_of_a_batch_after_the_rotation_is_given_up(modelled, rotate):
    """The other devices had their resets, so the next rotation brings their live passwords to readers."""
    with modelled(holding=(BATCH,)) as started:
        path, park = started.path(BATCH), started.world.tencent
        edit(started, BATCH, password=None)
        dead, *others = started.kv.read(path).document["devices"]
        park.faults.add("ResetDevicePassword", FaultKind.DROP_BEFORE)
        assert rotate(started, BATCH).error is not None
        park.service.devices.pop(dead["instance_id"])
        started.world.clock.sleep(1000)
        assert rotate(started, BATCH).error is not None
        edit(started, BATCH, devices=others)
        assert rotate(started, BATCH).outcome == "binding_mismatch"
        started.enroll(BATCH)
        assert rotate(started, BATCH).outcome == "identity_changed"

        live = {each["instance_id"]: park.guest_password(each["instance_id"]) for each in others}
        assert live != {each["instance_id"]: each["password"] for each in others}
        assert started.store(BATCH).cancel().sent is not None
        started.world.clock.sleep(1000)
        assert rotate(started, BATCH).error is None
        stored = {each["instance_id"]: each["password"] for each in started.kv.read(path).document["devices"]}
        assert stored == {each["instance_id"]: park.guest_password(each["instance_id"]) for each in others}


def test_nothing_to_cancel_and_a_run_at_work_are_failures(cli):
    """Without a rotation, or while a run works on it, cancel fails and writes nothing; after the run it succeeds."""
    with cli(holding=(HUAWEI,)) as (started, run):
        path, store = started.path(HUAWEI), started.store(HUAWEI)
        code, (report,) = run("cancel", path, "--json")
        assert (code, report["code"]) == (4, "stage_error")
        assert "nothing to cancel" in report["hint"]
        token = store.begin("t" * 36)
        now = started.world.clock.now()
        store.acquire(token, store.describe(), Claim("aa", now, now + 600))
        before = started.journal(HUAWEI)
        code, (report,) = run("cancel", path, "--json")
        assert (code, report["code"], report["not_before"]) == (3, "in_progress", ceil(now + 600) + CLOCK_MARGIN)
        assert started.journal(HUAWEI) == before
        store.yield_lease(token, holder="aa", sent=now)
        code, out = run("cancel", path)
        assert code == 0
        assert re.search(r"a reset may have been sent(.|\n)*may be live", out)
        code, (report,) = run("cancel", "no/such/secret", "--json")
        assert (code, report["code"]) == (4, "secret_not_found")
