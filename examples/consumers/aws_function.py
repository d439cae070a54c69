"""A Lambda function that restarts what uses a password: ECS services, and Lambda functions that keep it in memory.

EventBridge puts ``committed`` events into a queue, and Lambda hands them over in batches (``aws.yaml``). A service that
was deployed after the commit has read the new password already and is left alone, so that a repeated event restarts
nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import boto3
from routes import targets_of


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Restart each target of a batch once; return the messages of those that failed, which come again."""
    del context
    routes: dict[str, list[str]] = json.loads(os.environ["ROUTES"])
    messages = {record["messageId"]: json.loads(record["body"])["detail"] for record in event["Records"]}
    failed = {target for target, at in targets_of(messages.values(), routes).items() if not _restarted(target, at)}
    again = [name for name, detail in messages.items() if targets_of([detail], routes).keys() & failed]
    return {"batchItemFailures": [{"itemIdentifier": name} for name in again]}


def _restarted(target: str, at: datetime) -> bool:
    kind, _, name = target.partition(":")
    try:
        done = _RESTART[kind](name, at)
    except Exception as error:  # noqa: BLE001 - one target that fails stops no other; the message comes again
        print(json.dumps({"target": target, "outcome": type(error).__name__}))  # noqa: T201 - the function's log
        return False
    print(json.dumps({"target": target, "outcome": done}))  # noqa: T201 - the function's log
    return True


def _restart_service(name: str, at: datetime) -> str:
    """Force a new deployment of ``CLUSTER/SERVICE``: ECS replaces the tasks, and new ones read the secret."""
    cluster, _, service = name.partition("/")
    ecs = boto3.client("ecs")
    (found,) = ecs.describe_services(cluster=cluster, services=[service])["services"]
    # An event's time has whole seconds, so that a deployment within the next one may be from before the commit.
    since = at + timedelta(seconds=1)
    if any(each["createdAt"] > since for each in found["deployments"] if each["status"] == "PRIMARY"):
        return "deployed since"
    ecs.update_service(cluster=cluster, service=service, forceNewDeployment=True)
    return "restarted"


def _restart_function(name: str, at: datetime) -> str:
    """Change a variable of a Lambda function, so that new environments replace those that keep the old password."""
    functions = boto3.client("lambda")
    variables = functions.get_function_configuration(FunctionName=name).get("Environment", {}).get("Variables", {})
    if variables.get("SECRET_COMMITTED_AT", "") >= at.isoformat():
        return "restarted since"
    variables["SECRET_COMMITTED_AT"] = at.isoformat()
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
    return "restarted"


_RESTART: dict[str, Callable[[str, datetime], str]] = {"ecs": _restart_service, "lambda": _restart_function}
