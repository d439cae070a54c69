"""The AWS rotation function with a mirror in Vault: the service's own retries end with the proved value in both."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from rotation import handler
from rotation.core.document import SecretDocument
from rotation.core.errors import (
    ConfigError,
    InternalError,
    NotEnoughTime,
    RotationError,
    SettingsError,
    StoreUnreachable,
)
from rotation.stores.aws.secrets_manager import AwsSecretsManager
from rotation.stores.vault_kv import VaultKv
from rotation_testkit.doubles.secretsmanager.rotations.rotator import RotationState
from rotation_testkit.processes.function_context import FunctionContext
from rotation_testkit.sandbox.sandbox import FUNCTION_ARN, HUAWEI, UCLOUD, Sandbox, open_sandbox
from vault_plugin.functions import mirrored
from vault_plugin.mirror import MirrorState, reconcile
from vault_plugin.mirror_link import CUSTOM_KEY, MirrorNotLinked

A_DAY = 2 * 86_400


@dataclass
class Function:
    """The function, between the service's double and a real KV engine.

    Attributes:
        before: called before the mirror's turn of each finishSecret; may raise.
        failures: of the mirror's turn, in order.
    """

    world: Sandbox
    kv: Any
    environment: dict[str, str] = field(repr=False)
    before: list[Any] = field(default_factory=list)
    failures: list[RotationError] = field(default_factory=list)

    def serve(self, event):
        """Serve one event: the rotation, then the mirror's turn."""
        context, client = FunctionContext.lasting(900), self.world.secrets_manager.client(direct=True)
        surroundings = handler.World(connect=lambda: client, environment=self.environment, clock=self.world.clock)
        handler.handle(event, context, surroundings)
        if event["Step"] == "finishSecret" and self.before:
            self.before.pop(0)()
        try:
            mirrored.after(event, context, self.environment, self.world.clock, lambda: client)
        except RotationError as error:
            self.failures.append(error)
            raise

    def rotate(self, account):
        """Rotate as the schedule does, and return the rotation's end."""
        name, rules = self.world.accounts[account], {"AutomaticallyAfterDays": 1}
        return self.world.secrets_manager.rotate(name, function=FUNCTION_ARN, rules=rules).state

    def path(self, account):
        """Return where an account's mirror is."""
        return f"{self.environment[mirrored.PREFIX]}/{self.world.accounts[account]}"

    def stores(self, account):
        """Return the account's secret and its mirror, for an operator."""
        client, clock = self.world.secrets_manager.client(direct=True), self.world.clock
        source = AwsSecretsManager(client, self.world.accounts[account])
        return source, VaultKv(self.kv, self.path(account), clock=clock)

    def in_step(self, account):
        """Return whether both stores have the live password."""
        there = self.kv.read(self.path(account)).document.password
        return there == self.world.stored(account) == self.world.live(account)


@pytest.fixture
def function(request, openbao, served, corner):
    """Yield a world with the function; its mirrors do not exist yet, and its accounts are the test's parameter."""
    with open_sandbox(holding=getattr(request, "param", (HUAWEI,)), retry_delays=(150.0, 150.0)) as started:
        server = {"VAULT_ADDR": openbao.address, "VAULT_TOKEN": openbao.root_token.reveal()}
        made = Function(started, served, {**started.environment(), **server, mirrored.PREFIX: f"{corner}/mirror"})
        started.secrets_manager.register_function(FUNCTION_ARN, made.serve)
        yield made


@pytest.fixture
def mirrored_once(function):
    """Return the function a day after a first rotation, which made the mirror."""
    assert function.rotate(HUAWEI) is RotationState.SUCCEEDED
    function.world.clock.sleep(A_DAY)
    return function


def nobody(document):
    """Raise: no login is needed."""
    raise AssertionError(f"asked about {document!r}")


def die():
    """Stop the function between the two commits."""
    raise InternalError("the function was stopped")


@pytest.mark.parametrize("function", [(HUAWEI, UCLOUD)], indirect=True, ids=["two accounts"])
def test_a_rotation_ends_with_the_value_in_both_stores(function):
    """The first rotation creates the mirror and the next one updates it, with one reset each."""
    for number in (1, 2):
        for account in (HUAWEI, UCLOUD):
            assert function.rotate(account) is RotationState.SUCCEEDED
            assert function.in_step(account)
            assert function.world.changes(account) == number
            assert function.kv.read(function.path(account)).version == number
        function.world.clock.sleep(A_DAY)
    assert function.failures == []


def test_a_function_that_dies_between_the_commits_is_repeated_and_ends_in_step(mirrored_once):
    """Secrets Manager has the value by then, so the repeated step writes the mirror and sends no reset."""
    mirrored_once.before.append(die)
    assert mirrored_once.rotate(HUAWEI) is RotationState.SUCCEEDED
    assert mirrored_once.in_step(HUAWEI)
    assert mirrored_once.world.changes(HUAWEI) == 2


def test_what_all_attempts_leave_behind_the_reconciler_finds(mirrored_once):
    """The mirror holds the source's previous value, so the repair needs no login."""
    mirrored_once.before += [die] * 3
    assert mirrored_once.rotate(HUAWEI) is not RotationState.SUCCEEDED
    assert not mirrored_once.in_step(HUAWEI)
    source, target = mirrored_once.stores(HUAWEI)
    assert reconcile(source, target, nobody, same=lambda _one, _other: None) is MirrorState.BEHIND
    assert mirrored_once.in_step(HUAWEI)


def test_a_server_that_is_away_fails_the_step_until_it_is_back(function):
    """The step fails with a typed error after the commit in Secrets Manager, and no other reset is sent."""
    address = function.environment["VAULT_ADDR"]
    function.environment["VAULT_ADDR"] = "http://127.0.0.1:9"

    def back():
        function.environment["VAULT_ADDR"] = address

    function.before += [lambda: None, back]
    assert function.rotate(HUAWEI) is RotationState.SUCCEEDED
    assert [type(each) for each in function.failures] == [StoreUnreachable]
    assert function.in_step(HUAWEI)
    assert function.world.changes(HUAWEI) == 1


def test_an_edit_of_the_mirror_between_look_and_write_is_not_overwritten_unseen(mirrored_once):
    """The check-and-set fails, both stores are read again, and the mirror gets the proved value as a newer version."""
    path, edits = mirrored_once.path(HUAWEI), [SecretDocument({"password": "an operator's"})]

    def edit(_):
        if edits:
            mirrored_once.kv.write(path, edits.pop(), cas=1)

    # The mirror has been looked at when the source is read.
    mirrored_once.before.append(lambda: mirrored_once.world.secrets_manager.faults.before("GetSecretValue", edit))
    assert mirrored_once.rotate(HUAWEI) is RotationState.SUCCEEDED
    assert edits == []
    assert mirrored_once.failures == []
    assert mirrored_once.in_step(HUAWEI)
    assert mirrored_once.kv.read(path).version == 3


def test_a_rotation_of_the_source_between_the_commits_ends_with_the_newer_value(mirrored_once):
    """The late function finds the newer value in the mirror and leaves it."""

    def rotate_again():
        mirrored_once.world.clock.sleep(A_DAY)
        assert mirrored_once.rotate(HUAWEI) is RotationState.SUCCEEDED

    mirrored_once.before.append(rotate_again)
    mirrored_once.rotate(HUAWEI)
    assert mirrored_once.in_step(HUAWEI)
    assert mirrored_once.world.changes(HUAWEI) == 3
    assert mirrored_once.kv.read(mirrored_once.path(HUAWEI)).version == 2


def test_what_is_refused_before_anything_is_written(function, capsys):
    """Only finishSecret writes; a missing folder, too little time and a foreign error are each one log line."""
    finish = {"Step": "finishSecret", "SecretId": function.world.accounts[HUAWEI], "ClientRequestToken": "t" * 36}
    clock, context = function.world.clock, FunctionContext.lasting(900)
    mirrored.after(finish | {"Step": "testSecret"}, context, {}, clock, die)
    capsys.readouterr()
    with pytest.raises(SettingsError, match=mirrored.PREFIX):
        mirrored.after(finish, context, {}, clock, die)
    with pytest.raises(NotEnoughTime):
        mirrored.after(finish, FunctionContext.lasting(5), function.environment, clock, die)
    with pytest.raises(InternalError, match="AssertionError inside"):
        mirrored.after(finish, context, function.environment, clock, lambda: nobody("a canary"))
    lines = capsys.readouterr().out.splitlines()
    codes = [json.loads(line)["error"]["code"] for line in lines]
    assert codes == ["settings_error", "not_enough_time", "internal_error"]
    assert "canary" not in "".join(lines)
    arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:prod/db-AbCdEf"
    assert mirrored.path_of(arn, function.environment) == f"{function.environment[mirrored.PREFIX]}/prod/db"


@pytest.mark.parametrize("name", ["lockstep/team-a/../team-b/db", "lockstep//db", "lockstep/./db", "/lockstep/db"])
def test_a_name_cannot_lead_to_another_secrets_mirror(openbao, served, corner, name) -> None:
    """The mirror of a secret whose name has `..` in it would be written over another team's."""
    with open_sandbox(holding=(HUAWEI,), retry_delays=(), names={HUAWEI: name}) as started:
        environment = started.environment() | {
            "VAULT_ADDR": openbao.address,
            "VAULT_TOKEN": openbao.root_token.reveal(),
            mirrored.PREFIX: corner,
        }
        made = Function(started, served, environment)
        started.secrets_manager.register_function(FUNCTION_ARN, made.serve)
        theirs = [f"{corner}/lockstep/team-b/db", f"{corner}/lockstep/db"]
        for path in theirs:
            served.write(path, SecretDocument({"password": "team B's"}), cas=0)
        made.rotate(HUAWEI)
        assert [type(each) for each in made.failures] == [ConfigError]
        for path in theirs:
            entry = served.read(path)
            assert (entry.version, entry.document["password"].reveal()) == (1, "team B's")


@pytest.mark.parametrize("custom", [{}, {"mirror-of": "arn:aws:secretsmanager:eu-central-1:1:secret:other-AbCdEf"}])
def test_a_target_that_does_not_mirror_this_secret_is_not_written(function, custom) -> None:
    """A path that was there before, or mirrors another secret, keeps its value; the hint says how to link it."""
    path = function.path(HUAWEI)
    function.kv.configure(path, custom=custom)
    function.kv.write(path, SecretDocument({"password": "another's"}), cas=0)
    assert function.rotate(HUAWEI) is not RotationState.SUCCEEDED
    assert {type(each) for each in function.failures} == {MirrorNotLinked}
    assert "metadata patch" in function.failures[0].hint
    entry = function.kv.read(path)
    assert (entry.version, entry.document["password"].reveal()) == (1, "another's")


def test_a_mirror_that_is_created_names_its_source(function) -> None:
    """The link is the source's ARN in the custom metadata, and an owner may set it beforehand."""
    assert function.rotate(HUAWEI) is RotationState.SUCCEEDED
    arn = function.kv.read(function.path(HUAWEI)).custom[CUSTOM_KEY]
    assert arn.startswith("arn:aws:secretsmanager:")
    function.kv.remove(function.path(HUAWEI))
    function.kv.configure(function.path(HUAWEI), custom={CUSTOM_KEY: arn, "owner": "us"})
    function.world.clock.sleep(A_DAY)
    assert function.rotate(HUAWEI) is RotationState.SUCCEEDED
    assert function.in_step(HUAWEI)
    assert function.kv.read(function.path(HUAWEI)).custom["owner"] == "us"
