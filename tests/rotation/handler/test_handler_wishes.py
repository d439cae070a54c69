"""What a secret's tags ask of new passwords, through the function as Secrets Manager calls it."""

from __future__ import annotations

from rotation import handler
from rotation.core.errors import RotationError
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.processes.function_context import FunctionContext
from rotation_testkit.sandbox.sandbox import FUNCTION_ARN, HUAWEI, open_sandbox


def test_a_tag_narrows_new_passwords_and_one_that_cannot_be_met_stops_before_staging() -> None:
    """The tag comes before the setting; a length that the vendor refuses leaves vendor and secret alone."""
    errors: list[RotationError] = []
    with open_sandbox(holding=(HUAWEI,), retry_delays=()) as world:
        store, name = world.secrets_manager, world.accounts[HUAWEI]
        environment = {**world.environment(), "LOCKSTEP_PASSWORD_LENGTH": "28", "LOCKSTEP_PASSWORD_EXCLUDE": "0OIl1"}
        outside = handler.World(connect=store.client, environment=environment, clock=world.clock)

        def serve(event: dict[str, object]) -> None:
            try:
                handler.handle(event, FunctionContext.lasting(60), outside)
            except RotationError as error:
                errors.append(error)
                raise

        store.register_function(FUNCTION_ARN, serve)
        tags = [{"Key": "lockstep:length", "Value": "20"}, {"Key": "lockstep:exclude-hex", "Value": "22 27 5c"}]
        store.call("TagResource", SecretId=name, Tags=tags)
        assert store.rotate(name, function=FUNCTION_ARN).state is RotationState.SUCCEEDED
        password = world.live(HUAWEI).reveal()
        assert (len(password), set(password) & set("\"'\\")) == (20, set())
        store.call("TagResource", SecretId=name, Tags=[{"Key": "lockstep:length", "Value": "40"}])
        world.clock.sleep(3600)
        changes = world.changes(HUAWEI)
        assert store.rotate(name, function=FUNCTION_ARN).state is RotationState.FAILED
        assert {error.code for error in errors} == {"policy_error"}
        assert world.changes(HUAWEI) == changes
        (pending,) = (key for key, held in store.labels(name).items() if "AWSPENDING" in held)
        assert store.value(name, version=pending) is None
