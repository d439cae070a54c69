"""What the packed function loads until its first answer, beyond what AWS's client loads: exact, nothing is timed."""

import sys

from rotation_testkit.sandbox.sandbox import FUNCTION_ARN, HUAWEI, open_sandbox

LOADED = """
import gc, sys
import botocore.session

botocore.session.get_session().create_client("secretsmanager", region_name="eu-central-1")
before = set(sys.modules)
from rotation.handler import lambda_handler
imported = gc.isenabled(), gc.get_freeze_count() > 0

def handler(event, context):
    lambda_handler(event, context)
    return {"loaded": sorted({*sys.modules} - before), "imported": imported, "answered": gc.isenabled()}
"""
MOST = 112
"""Modules of ours that createSecret of a meeting account loads. Look at what a further one costs before this grows."""
NOT_FOR_A_CANDIDATE = {
    "rotation.deployment.announcing.lines",
    "rotation.deployment.announcing.webhook",
    "rotation.doctor",
    "rotation.drivers.network.http_exchange",
    "rotation.engine.account.proof",
    "rotation.engine.account.set_secret",
    "rotation.engine.batch.batch",
    "rotation.engine.tables.reconciliation",
    "rotation.stores.aws.event_bus",
    "rotation.stores.aws.fleet.fleet_secret",
    "rotation.stores.aws.listing",
}


def test_a_step_without_a_vendor_call_loads_the_handler_and_no_client_of_a_vendor(artefact, tmp_path):
    """Neither requests nor SSH nor cryptography comes along, nor what only other steps, batches and targets need.

    Garbage is looked for again once the imports are over.
    """
    with open_sandbox(holding=(HUAWEI,), retry_delays=()) as started:
        found = []

        def function(event):
            with artefact.beside(tmp_path, LOADED, started.environment()) as runtime:
                found.append(runtime.invoke(event))
            raise RuntimeError("the first step is enough")

        started.secrets_manager.register_function(FUNCTION_ARN, function)
        started.secrets_manager.rotate(started.accounts[HUAWEI], function=FUNCTION_ARN)
    assert found[0].error is None
    answer = found[0].payload
    assert (answer["imported"], answer["answered"]) == ([True, True], True)
    loaded = set(answer["loaded"])
    packages = {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names
    assert packages == {"aws_lambda_powertools", "rotation", "typing_extensions"}
    assert loaded & NOT_FOR_A_CANDIDATE == set()
    assert len([name for name in loaded if name.startswith("rotation")]) <= MOST
