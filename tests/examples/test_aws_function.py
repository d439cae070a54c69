"""The example on AWS restarts each target once for a batch of commits, and nothing before a commit."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws
from samcli.yamlhelper import yaml_parse

from rotation.core.event import EventKind

SHOP = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:lockstep/shop/"
ROUTES = {SHOP: ["ecs:prod/web", "ecs:prod/worker"], f"{SHOP}api": ["lambda:shop-api"]}
LATER = datetime.now(UTC) + timedelta(hours=1)
"""A commit after everything that the test deploys before it."""


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Serve AWS with two services and a function; yield the changes that are asked for, by operation and target."""
    for name, value in {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "eu-central-1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("ROUTES", json.dumps(ROUTES))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with mock_aws():
        ecs = boto3.client("ecs")
        ecs.create_cluster(clusterName="prod")
        ecs.register_task_definition(
            family="shop", containerDefinitions=[{"name": "shop", "image": "shop", "memory": 64}]
        )
        for name in ("web", "worker"):
            ecs.create_service(cluster="prod", serviceName=name, taskDefinition="shop", desiredCount=1)
        _make_function()
        asked: list[str] = []
        hooks = boto3._get_default_session().events
        hooks.register(
            "provide-client-params.ecs.UpdateService",
            lambda params, **_: asked.append(f"{params['cluster']}/{params['service']} {params['forceNewDeployment']}"),
        )
        hooks.register(
            "provide-client-params.lambda.UpdateFunctionConfiguration",
            lambda params, **_: asked.append(params["FunctionName"]),
        )
        yield asked


def _make_function() -> None:
    trust = {
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]
    }
    role = boto3.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as packed:
        packed.writestr("a.py", "")
    boto3.client("lambda").create_function(
        FunctionName="shop-api",
        Runtime="python3.13",
        Role=role,
        Handler="a.b",
        Code={"ZipFile": code.getvalue()},
        Environment={"Variables": {"KEPT": "yes"}},
    )


def batch(*events: dict[str, Any]) -> dict[str, Any]:
    """Return what Lambda hands over from a queue that a rule of EventBridge fills."""
    bodies = [json.dumps({"source": "lockstep", "detail-type": each["kind"], "detail": each}) for each in events]
    return {"Records": [{"messageId": str(number), "body": body} for number, body in enumerate(bodies)]}


@pytest.fixture
def function(aws: list[str], consumer: Callable[[str], ModuleType]) -> Any:
    """Return the example's handler."""
    del aws
    return consumer("aws_function").handler


def test_ten_secrets_of_one_service_restart_it_once(aws: list[str], function: Any, event: Any) -> None:
    """Each service of the route gets one forced deployment."""
    done = function(batch(*(event(f"{SHOP}{number}-AbCdEf", at=LATER) for number in range(10))), None)
    assert sorted(aws) == ["prod/web True", "prod/worker True"]
    assert done == {"batchItemFailures": []}


def test_nothing_is_restarted_before_the_commit(aws: list[str], function: Any, event: Any) -> None:
    """Every other kind of event is passed over, and so is a secret without a route."""
    kinds = [kind for kind in EventKind if kind is not EventKind.COMMITTED]
    function(batch(*(event(f"{SHOP}a-AbCdEf", at=LATER, kind=kind) for kind in kinds)), None)
    function(batch(event("arn:aws:secretsmanager:eu-central-1:111122223333:secret:lockstep/other", at=LATER)), None)
    assert aws == []


def test_a_service_that_was_deployed_since_is_left_alone(aws: list[str], function: Any, event: Any) -> None:
    """So an event that is repeated, or that comes in the next batch, restarts nothing."""
    function(batch(event(f"{SHOP}a-AbCdEf", at=datetime.now(UTC) - timedelta(hours=1))), None)
    assert aws == []


def test_a_function_gets_a_new_variable_and_keeps_its_own(aws: list[str], function: Any, event: Any) -> None:
    """New environments replace those that keep the old password; a repeated event changes nothing."""
    repeated = batch(event(f"{SHOP}api-AbCdEf", at=LATER))
    for _ in range(2):
        function(repeated, None)
    assert aws.count("shop-api") == 1
    found = boto3.client("lambda").get_function_configuration(FunctionName="shop-api")["Environment"]["Variables"]
    assert found["KEPT"] == "yes"
    assert datetime.fromisoformat(found["SECRET_COMMITTED_AT"]) == LATER.replace(microsecond=0)


def test_only_the_messages_of_a_target_that_failed_come_again(
    aws: list[str], function: Any, event: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other target is restarted, and its message is not repeated."""
    monkeypatch.setenv(
        "ROUTES", json.dumps({f"{SHOP}a": ["ecs:prod/web"], f"{SHOP}b": ["ecs:prod/gone", "nonsense:x"]})
    )
    done = function(batch(event(f"{SHOP}a", at=LATER), event(f"{SHOP}b", at=LATER)), None)
    assert aws == ["prod/web True"]
    assert done == {"batchItemFailures": [{"itemIdentifier": "1"}]}


def test_the_template_waits_for_more_commits_and_hears_of_nothing_else() -> None:
    """Its rule chooses commits, its queue waits a minute, and its function may change only what is named."""
    template = yaml_parse((Path(__file__).parents[2] / "examples/consumers/aws.yaml").read_text())
    made = template["Resources"]
    assert made["CommittedRule"]["Properties"]["EventPattern"] == {"source": ["lockstep"], "detail-type": ["committed"]}
    function = made["RestartFunction"]["Properties"]
    source = function["Events"]["Committed"]["Properties"]
    assert source["MaximumBatchingWindowInSeconds"] == 60
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert made["Queue"]["Properties"]["VisibilityTimeout"] >= 6 * function["Timeout"]
    resources = [each["Fn::If"][1]["Statement"][0]["Resource"] for each in function["Policies"]]
    assert resources == [{"Ref": "ServiceArns"}, {"Ref": "FunctionArns"}]
