"""A secret on OpenBao and its mirror in Secrets Manager: rotations, repairs and the command line."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import pytest

from rotation.core.document import SecretDocument, turned
from rotation.core.errors import ConfigError, IdentityChanged, SettingsError
from rotation.deployment.deployment import Deployment
from rotation.stores.aws.client import secrets_manager
from rotation.stores.aws.secrets_manager import AwsSecretsManager
from rotation_testkit.doubles.hosts.ssh import SshHost
from rotation_testkit.doubles.vendors.volcengine_cloudidentity.sandbox import USER_ID
from rotation_testkit.sandbox.sandbox import HUAWEI, SECOND_USER, SECOND_USER_ID, VOLCENGINE, take_turns
from vault_plugin.job import kv_rotation
from vault_plugin.job.mirroring import MirrorPair, allowed, from_kv, with_mirror
from vault_plugin.job.schedule import Wishes
from vault_plugin.mirror import MirrorState
from vault_plugin.mirror_link import TAG_KEY, vault_source

PREFIX = {"LOCKSTEP_MIRROR_PREFIX": "lockstep/"}


def test_metadata_cannot_aim_the_mirror_at_any_secret():
    """A mirror's name must begin with the deployment's prefix."""
    assert allowed("mirrors/app", {"LOCKSTEP_MIRROR_PREFIX": "mirrors/"}) == "mirrors/app"
    for environment in ({}, {"LOCKSTEP_MIRROR_PREFIX": "other/"}):
        with pytest.raises(SettingsError, match="LOCKSTEP_MIRROR_PREFIX"):
            allowed("mirrors/app", environment)
    for name in ("mirrors/../other/app", "mirrors//app", "mirrors/."):
        with pytest.raises(ConfigError, match="segment"):
            allowed(name, {"LOCKSTEP_MIRROR_PREFIX": "mirrors/"})


@pytest.mark.parametrize("linked", [None, "another/secret"])
def test_metadata_cannot_aim_the_mirror_at_another_secrets_mirror(in_aws, rotate, linked):
    """A mirror within the prefix that does not name this source keeps its value, and the vendor hears nothing."""
    with in_aws(HUAWEI) as (started, mirror):
        inner = started.world
        client, name = inner.secrets_manager.client(direct=True), inner.accounts[HUAWEI]
        client.untag_resource(SecretId=name, TagKeys=[TAG_KEY])
        if linked:
            link(started, HUAWEI, linked)
        before = inner.stored(HUAWEI)
        done = rotate(started, HUAWEI, **mirror)
        assert done.outcome == "mirror_not_linked"
        assert "tag-resource" in done.error.hint
        assert (inner.changes(HUAWEI), inner.stored(HUAWEI)) == (0, before)


def link(started, account, path):
    """Let the account's secret in AWS name a path of KV as its source, as its owner does."""
    inner = started.world
    tag = {"Key": TAG_KEY, "Value": vault_source(path, {})}
    inner.secrets_manager.client(direct=True).tag_resource(SecretId=inner.accounts[account], Tags=[tag])


@pytest.fixture
def in_aws(real):
    """Return a function that makes a world whose account has equal secrets on OpenBao and in Secrets Manager."""

    @contextmanager
    def make(account):
        with real(holding=(account,)) as started:
            inner = started.world
            started.wish(account, mirror=inner.accounts[account])
            link(started, account, started.path(account))
            wrap = with_mirror(PREFIX, partial(inner.secrets_manager.client, direct=True))
            wishes = Wishes.parse(started.kv.read(started.path(account)).custom)
            yield started, {"wrap_store": wrap, "wishes": wishes}

    return make


def pair_of(started, account):
    """Return an account's secret on OpenBao and its mirror in Secrets Manager."""
    inner = started.world
    client = inner.secrets_manager.client(direct=True)
    return MirrorPair(
        source=started.store(account),
        target=AwsSecretsManager(client, inner.accounts[account]),
        fetch=from_kv(started.kv),
        deployment=started.deployment,
        clock=inner.clock,
    )


@pytest.mark.parametrize("account", [HUAWEI, VOLCENGINE])
def test_a_rotation_in_openbao_ends_in_secrets_manager_too(in_aws, rotate, account):
    """Both stores get the same proved value by their own compare-and-swap, with one reset."""
    with in_aws(account) as (started, mirror):
        done = rotate(started, account, **mirror)
        assert done.error is None
        assert started.stored(account) == started.world.stored(account) == started.world.live(account)
        assert started.world.changes(account) == 1


def test_a_mirror_that_was_down_is_repaired_by_the_reconciler(in_aws, rotate):
    """The rotation fails after its commit, and a comparison in either direction repairs the mirror."""
    with in_aws(HUAWEI) as (started, mirror):
        inner = started.world
        inner.secrets_manager.faults.fail("PutSecretValue", "InternalServiceError", times=9)
        done = rotate(started, HUAWEI, **mirror)
        assert done.outcome == "store_unavailable"
        assert started.heals(HUAWEI)
        assert inner.stored(HUAWEI) != inner.live(HUAWEI)
        inner.secrets_manager.faults.clear()
        pair = pair_of(started, HUAWEI)
        assert pair.reconcile() is MirrorState.BEHIND
        assert inner.stored(HUAWEI) == inner.live(HUAWEI)
        assert pair.swapped().reconcile() is MirrorState.IN_STEP
        assert started.store(HUAWEI).unfinished() is None


@pytest.mark.long
def test_a_silent_mirror_ends_the_step_before_its_time_is_over(in_aws, rotate, monkeypatch):
    """The commit stands, and the rotation says what failed; the next run brings the mirror forward."""
    with in_aws(HUAWEI) as (started, mirror):
        inner, over, steps = started.world, threading.Event(), []
        plain = kv_rotation.countdown

        def countdown(seconds, _):
            steps.append(time.monotonic())
            return plain(4.0 if inner.changes(HUAWEI) else seconds, time.monotonic)

        for name, value in inner.secrets_manager.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(kv_rotation, "countdown", countdown)
        inner.secrets_manager.faults.before("PutSecretValue", lambda _: over.wait(20) and None)
        done = rotate(started, HUAWEI, wrap_store=with_mirror(PREFIX, secrets_manager), wishes=mirror["wishes"])
        took = time.monotonic() - steps[-1]
        over.set()
        assert (done.outcome, done.committed, started.heals(HUAWEI)) == ("store_unavailable", True, True)
        assert took < 4.0


def test_the_vendor_decides_between_two_values(in_aws):
    """When a human wrote Secrets Manager alone, a login within the wrong-login budget tells which value is live."""
    with in_aws(HUAWEI) as (started, _):
        inner = started.world
        client = inner.secrets_manager.client(direct=True)
        text = inner.secrets_manager.value(inner.accounts[HUAWEI]).reveal()
        wrong = json.dumps({**json.loads(text), "password": "Wr0ng-Passw0rd!"})
        client.put_secret_value(SecretId=inner.accounts[HUAWEI], SecretString=wrong)
        pair = pair_of(started, HUAWEI)
        assert pair.reconcile() is MirrorState.OVERWRITTEN
        assert inner.wrong_logins(HUAWEI) == 0
        client.put_secret_value(SecretId=inner.accounts[HUAWEI], SecretString=wrong)
        assert pair.swapped().reconcile() is MirrorState.ADOPTED
        assert inner.wrong_logins(HUAWEI) == 1
        assert started.stored(HUAWEI) == inner.stored(HUAWEI) == inner.live(HUAWEI)


def test_write_access_to_a_mirror_does_not_aim_the_source_at_another_account(in_aws):
    """A mirror that names another account is not tried at the vendor, and the source keeps its account."""
    with in_aws(HUAWEI) as (started, _):
        inner, path = started.world, started.path(HUAWEI)
        entry = started.kv.read(path)
        dead = entry.document.replaced(password="Wr0ng-Passw0rd!")
        started.kv.write(path, dead, cas=entry.version)
        theirs = json.loads(inner.secrets_manager.value(inner.accounts[HUAWEI]).reveal()) | {"user_id": "of-b"}
        client = inner.secrets_manager.client(direct=True)
        client.put_secret_value(SecretId=inner.accounts[HUAWEI], SecretString=json.dumps(theirs))
        requests = inner.wrong_logins(HUAWEI)
        with pytest.raises(IdentityChanged, match="user_id"):
            pair_of(started, HUAWEI).reconcile()
        assert started.kv.read(path).document == dead
        assert inner.wrong_logins(HUAWEI) == requests + 1


def test_a_mirror_of_two_accounts_that_take_turns_is_taken_over_by_its_own_account(modelled):
    """Its value is taken over where it names the source's account first, and not where it names the other one first."""
    with modelled(holding=(VOLCENGINE,)) as started:
        inner, path, users = started.world, started.path(VOLCENGINE), {"robot": USER_ID, SECOND_USER: SECOND_USER_ID}
        live = SecretDocument(take_turns(inner))
        started.kv.write(path, live.replaced(password="Wr0ng-Passw0rd!"), cas=1)
        started.enroll(VOLCENGINE)
        with SshHost(lambda name, password: inner.volcengine.portal_login(users[name])(name, password)) as host:
            login = "LOCKSTEP_VOLCENGINE_CLOUDIDENTITY_LOGIN"
            place = {login: f"ssh://{host.host}:{host.port}", f"{login}_HOST_KEY": host.host_key}
            deployment = Deployment.from_environment({**started.environment(), **place})
            pair = replace(pair_of(started, VOLCENGINE), deployment=deployment)
            assert pair.reconcile() is MirrorState.ADOPTED
            assert started.kv.read(path).document == live
            started.kv.write(path, live.replaced(password="Wr0ng-Passw0rd!"), cas=3)
            second = turned(live).replaced(password=inner.volcengine.live_password(SECOND_USER_ID).reveal())
            inner.secrets_manager.call(
                "PutSecretValue", SecretId=inner.accounts[VOLCENGINE], SecretString=second.dump().reveal()
            )
            with pytest.raises(IdentityChanged, match="username"):
                pair.reconcile()
