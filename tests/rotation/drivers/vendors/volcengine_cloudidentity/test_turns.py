"""Two directory users that take turns, through the handler over Secrets Manager."""

import json

import pytest

from rotation.core.document import SecretDocument
from rotation.core.secret import Secret
from rotation.stores.aws.secrets_manager import BINDING_TAG
from rotation_testkit.doubles.hosts.ssh import SshHost
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.doubles.vendors.volcengine_cloudidentity.simulator import VolcengineCloudIdentity
from rotation_testkit.sandbox.enrolled import binding_of

FIRST, OTHER = Secret("Old-pass-1234"), Secret("Never-known-5678")
USERS = {"app-a": "u-1", "app-b": "u-2"}
LOGIN = "LOCKSTEP_VOLCENGINE_CLOUDIDENTITY_LOGIN"
DAY = 86_400


class WatchedCloud(VolcengineCloudIdentity):
    """A directory that asks, before and after each request, whether what readers have opens its user."""

    reader = None
    dead = ()

    def respond(self, call):
        """See ``Simulator``."""
        self.look()
        reply = super().respond(call)
        self.look()
        return reply

    def look(self):
        """Note a password that readers have and that opens nothing."""
        document = self.reader()
        if self.live_password(USERS[document["username"]]) != Secret(document["password"]):
            self.dead = (*self.dead, document["username"])


@pytest.fixture
def cloud(clock):
    """A directory with two users."""
    made = WatchedCloud(clock=clock.now)
    for name, password in (("app-a", FIRST), ("app-b", OTHER)):
        made.add_user(name, password, user_id=USERS[name])
    return made


@pytest.fixture
def pair(install, cloud):
    """The function of a secret that names both users; no value holds the second one's password."""
    admin = {"access_key": cloud.credentials.access_key, "secret_key": cloud.credentials.secret_key.reveal()}
    document = {
        "driver": "volcengine_cloudidentity",
        "username": "app-a",
        "user_id": "u-1",
        "password": FIRST.reveal(),
        "alternate_username": "app-b",
        "alternate_user_id": "u-2",
        "url": "https://directory.example",
    }
    made = install(cloud, document, admin, lambda: cloud.live_password(USERS[made.document()["username"]]))
    cloud.reader = made.document
    return made


def test_readers_have_a_live_password_at_every_request(pair, cloud):
    """Each rotation resets the other user; what was current before opens its user until the rotation after."""
    for number, name in enumerate(["app-b", "app-a", "app-b"], 1):
        former = pair.document()
        if number == 1:
            assert pair.rotate().state is RotationState.SUCCEEDED
        else:
            assert pair.next_rotation() is RotationState.SUCCEEDED
        document = pair.document()
        assert (document["username"], document["user_id"]) == (name, USERS[name])
        assert (document["alternate_username"], document["alternate_user_id"]) == (
            former["username"],
            former["user_id"],
        )
        assert list(document)[:7] == list(former)[:7]
        assert document["url"] == former["url"]
        assert pair.password == pair.live()
        assert pair.document("AWSPREVIOUS") == former
        assert cloud.live_password(former["user_id"]) == Secret(former["password"])
        assert [cloud.resets(each) for each in ("u-1", "u-2")] == [number // 2, (number + 1) // 2]
    assert cloud.dead == ()
    assert pair.errors == []


def test_a_login_proves_the_user_whose_turn_it_is(pair, cloud):
    """Where the deployment names a host, each rotation logs in once, under the name of the user that it has reset."""
    with SshHost(lambda name, password: cloud.portal_login(USERS[name])(name, password)) as host:
        pair.environment |= {LOGIN: f"ssh://{host.host}:{host.port}", f"{LOGIN}_HOST_KEY": host.host_key}
        assert pair.rotate().state is RotationState.SUCCEEDED
        assert pair.next_rotation() is RotationState.SUCCEEDED
        assert (dict(host.accepted), host.rejected.total()) == ({"app-b": 1, "app-a": 1}, 0)
    assert {report["evidence"] for report in pair.reports if report["step"] == "finishSecret"} == {"LOGIN"}
    assert cloud.dead == ()


@pytest.mark.parametrize("kind", [FaultKind.DROP_AFTER, FaultKind.DROP_BEFORE, FaultKind.ERROR_AFTER])
def test_readers_are_served_while_a_reset_fails(pair, cloud, kind):
    """No error says that readers may hold a dead password, and the next attempt sends the same candidate again."""
    cloud.faults.add("ResetPassword", kind)
    assert pair.rotate().state is RotationState.SUCCEEDED
    assert pair.document()["username"] == "app-b"
    assert pair.password == pair.live()
    assert cloud.dead == ()
    assert pair.errors
    assert not any(error.dead_since or "dead password" in str(error) for error in pair.errors)


def test_a_proved_rotation_binds_the_secret_to_both_users(pair):
    """Where the deployment lets the first one bind it, the binding is that of the pair, whichever user is current."""
    pair.store.call("UntagResource", SecretId="lockstep/account", TagKeys=[BINDING_TAG])
    pair.environment["LOCKSTEP_BINDING"] = "pin"
    expected = binding_of(SecretDocument(pair.document()))
    assert pair.rotate().state is RotationState.SUCCEEDED
    tags = pair.store.call("DescribeSecret", SecretId="lockstep/account")["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags}[BINDING_TAG] == expected
    assert binding_of(SecretDocument(pair.document())) == expected
    assert pair.next_rotation() is RotationState.SUCCEEDED


def test_another_alternate_than_the_bound_one_is_refused(pair, cloud):
    """Who may write the value names a third user: the directory hears nothing, and the tag decides."""
    cloud.add_user("victim", Secret("Victim-pass-99"), user_id="u-3")
    document = {**pair.document(), "alternate_username": "victim", "alternate_user_id": "u-3"}
    pair.store.call("PutSecretValue", SecretId="lockstep/account", SecretString=json.dumps(document))
    heard = len(cloud.requests)
    assert pair.rotate_once().state is RotationState.FAILED
    assert set(pair.codes()) == {"binding_mismatch"}
    assert len(cloud.requests) == heard
    assert cloud.resets("u-3") == 0


def test_a_document_that_names_half_of_the_other_user_is_refused(pair, cloud):
    """A clear error lists each key, before anything is called or changed."""
    document = {key: value for key, value in pair.document().items() if key != "alternate_user_id"}
    pair.store.call("PutSecretValue", SecretId="lockstep/account", SecretString=json.dumps(document))
    heard = len(cloud.requests)
    assert pair.rotate_once().state is RotationState.FAILED
    assert set(pair.codes()) == {"settings_error"}
    assert "user_id and alternate_user_id must both be there, or neither" in str(pair.errors[0])
    assert len(cloud.requests) == heard
