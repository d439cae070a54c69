"""Alarms, dashboard and saved queries name only what the function writes, and show what happened."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from rotation.core.errors import RotationError
from rotation_testkit.sandbox.sandbox import HUAWEI, UCLOUD
from rotation_testkit.sandbox.served_function import ServedFunction, served_function

NAME = "lockstep-rotation"
"""The function's name, which is the service of its metrics."""
WATCH = {"lockstep": "watch", "prefix": "lockstep/"}
KEYWORDS = {"fields", "filter", "sort", "limit", "stats", "by", "as", "desc", "asc", "like", "and", "or", "not"}
SELECT = re.compile(r"SELECT \w+\((\w+)\) FROM SCHEMA\(\"(\w+)\", ([\w, ]+)\) WHERE service = '(.*)'")
SEARCH = re.compile(r"SEARCH\('\{(\w+),([\w,]+)\} MetricName=\"(\w+)\" service=\"(.*?)\"'")
FUNCTIONS = {"ispresent", "count", "latest", "pct"}


@dataclass
class Written:
    """What the function wrote.

    Attributes:
        metrics: the names by namespace and dimensions.
        values: every value of a metric, in order.
        fields: the fields of log lines, with dots where an object is in an object.
    """

    metrics: dict[tuple[str, frozenset[str]], set[str]] = field(default_factory=dict)
    values: dict[str, list[float]] = field(default_factory=dict)
    dimensions: dict[str, set[str]] = field(default_factory=dict)
    fields: set[str] = field(default_factory=set)

    def take(self, text: str) -> None:
        """Read lines."""
        for line in (json.loads(line) for line in text.splitlines() if line.startswith("{")):
            if "_aws" not in line:
                self.fields |= set(_flat(line))
                continue
            for directive in line["_aws"]["CloudWatchMetrics"]:
                (names,) = directive["Dimensions"]
                key = directive["Namespace"], frozenset(names)
                for metric in directive["Metrics"]:
                    self.metrics.setdefault(key, set()).add(metric["Name"])
                    self.values.setdefault(metric["Name"], []).extend(line[metric["Name"]])
                for name in names:
                    self.dimensions.setdefault(name, set()).add(line[name])


def _flat(line: Mapping[str, Any], before: str = "") -> Iterator[str]:
    for key, value in line.items():
        yield f"{before}{key}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")


@pytest.fixture(scope="module")
def written() -> Written:
    """What the function writes in clean rotations, failures, parkings, and its watch, as the template names it."""
    made, patch, out = Written(), pytest.MonkeyPatch(), io.StringIO()
    patch.setenv("POWERTOOLS_SERVICE_NAME", NAME)
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        patch.delenv(name, raising=False)
    with served_function(0) as rig, redirect_stdout(out):
        _play(rig)
    logging.getLogger(NAME).handlers.clear()  # Powertools keeps the stream
    made.take(out.getvalue())
    patch.undo()
    return made


def _play(rig: ServedFunction) -> None:
    """Rotate, fail, park, and watch."""
    rig.environment |= {
        f"LOCKSTEP_EVENTS_{key}": text
        for key, text in {
            "BUS": "default",
            "LINES": "/nonexistent/events",
            "WEBHOOK": "https://127.0.0.1:1",
            "WEBHOOK_KEY_FILE": "/nonexistent",
        }.items()
    }
    for code in (UCLOUD, HUAWEI, HUAWEI):  # the second one comes too soon
        rig.rotate(code)
        rig.settle()
    with suppress(RotationError):
        rig.call({"Step": "nothing"})
    rig.call(WATCH)


def test_each_stack_has_metrics_of_its_own(written: Written, stack: Callable[..., Any]) -> None:
    """The service of metrics and log lines is the function's name, so that two stacks share no alarm."""
    assert written.dimensions["service"] == {NAME}
    variables = stack(pseudo={"AWS::StackName": "another"}).properties("RotationFunction")["Environment"]["Variables"]
    assert variables["POWERTOOLS_SERVICE_NAME"] == "another-rotation"


def alarms(stack: Any) -> dict[str, dict[str, Any]]:
    """Return the alarms' properties."""
    found = stack.template["Resources"].items()
    return {name: stack.properties(name) for name, each in found if each["Type"] == "AWS::CloudWatch::Alarm"}


def named(alarm: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield namespace, name and dimensions of each metric of an alarm."""
    for each in [alarm, *(metric.get("MetricStat", {}).get("Metric", {}) for metric in alarm.get("Metrics", []))]:
        if "MetricName" in each:
            yield each["Namespace"], each["MetricName"], {d["Name"]: d["Value"] for d in each["Dimensions"]}
    for expression in (metric.get("Expression", "") for metric in alarm.get("Metrics", [])):
        found = SELECT.fullmatch(expression)
        if found:
            yield found[2], found[1], dict.fromkeys(found[3].split(", "), "") | {"service": found[4]}


def test_alarms_name_only_metrics_that_the_function_writes(written: Written, stack: Callable[..., Any]) -> None:
    """Name, namespace and all dimensions are those of a record; the services' own are of this function and machine."""
    seen = 0
    for name, alarm in alarms(stack()).items():
        for space, metric, dimensions in named(alarm):
            seen += 1
            if space == "AWS/Lambda":
                assert dimensions == {"FunctionName": NAME}, name
                assert metric in {"Errors", "Throttles", "Duration"}, name
            elif space == "AWS/States":
                assert (metric, set(dimensions)) == ("ExecutionsFailed", {"StateMachineArn"}), name
            else:
                assert metric in written.metrics[space, frozenset(dimensions)], name
                assert dimensions["service"] == NAME, name
    assert seen >= 8
    assert {metric for _, metric, _ in (each for alarm in alarms(stack()).values() for each in named(alarm))} == {
        "ExecutionsFailed",
        "SecretsNeedHuman",
        "CurrentUnproved",
        "SecretsOverdue",
        "StepFailed",
        "StepRaised",
        "Errors",
        "Duration",
        "Throttles",
    }


def test_alarms_notify_the_topic_when_they_begin_and_when_they_end(stack: Callable[..., Any]) -> None:
    """Every alarm does, and none has an action where no topic is given."""
    topic = "arn:aws:sns:eu-central-1:111122223333:on-call"
    for alarm in alarms(stack(AlarmTopicArn=topic)).values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [topic]
    assert not any({"AlarmActions", "OKActions"} & alarm.keys() for alarm in alarms(stack()).values())


def test_the_dashboard_names_only_metrics_that_the_function_writes(written: Written, stack: Callable[..., Any]) -> None:
    """In lists of metrics and in searches; the body is JSON."""
    body = json.loads(stack().properties("Dashboard")["DashboardBody"])
    for widget in body["widgets"]:
        for metric in widget["properties"].get("metrics", []):
            if isinstance(metric[0], dict):
                found = SEARCH.match(metric[0]["expression"])
                assert found
                assert found[3] in written.metrics[found[1], frozenset(found[2].split(","))]
                assert found[4] == NAME
                continue
            space, name, *rest = [each for each in metric if isinstance(each, str)]
            dimensions = dict(zip(rest[::2], rest[1::2], strict=True))
            if space == "AWS/Lambda":
                assert dimensions == {"FunctionName": NAME}
            else:
                assert name in written.metrics[space, frozenset(dimensions)]
                assert all(value in written.dimensions[key] | {"needs_human"} for key, value in dimensions.items())


def test_saved_queries_name_only_fields_that_log_lines_have(written: Written, stack: Callable[..., Any]) -> None:
    """A field that no line has would show nothing, silently."""
    resources = stack().template["Resources"].items()
    queries = [name for name, each in resources if each["Type"] == "AWS::Logs::QueryDefinition"]
    texts = [stack().properties(name)["QueryString"] for name in queries]
    body = json.loads(stack().properties("Dashboard")["DashboardBody"])
    texts += [each["properties"]["query"].partition("|")[2] for each in body["widgets"] if each["type"] == "log"]
    assert len(texts) >= 5
    for text in texts:
        plain = re.sub(r"\"[^\"]*\"|/[^/]*/", "", text)
        own = set(re.findall(r" as (\w+)", plain))
        words = set(re.findall(r"(?<![\w@.])[a-z_][\w.]*", plain)) - KEYWORDS - FUNCTIONS - own
        assert words - written.fields == set(), text


def test_a_rotation_is_counted_once_and_a_wait_is_no_failure(written: Written) -> None:
    """Two were committed, each with its evidence; the third came too soon, which waits; an event was malformed."""
    assert written.values["RotationCommitted"] == written.values["EvidenceLogin"] == [1.0, 1.0]
    assert written.values["RotationParked"] == [1.0]
    assert written.dimensions["class"] == {"waits"}
    assert sum(written.values["StepFailed"]) == 1.0
    assert sum(written.values["StepRaised"]) == 2.0


def test_the_watch_counts_by_labels_alone(written: Written) -> None:
    """Two secrets, none late, stuck or waiting for a human."""
    assert written.values["SecretsManaged"] == [2.0]
    assert written.values["SecretsOverdue"] == written.values["SecretsNeedHuman"] == [0.0]
    assert written.values["CurrentUnproved"] == [0.0]


def test_the_schedule_sends_what_the_function_takes_for_a_watch(stack: Callable[..., Any]) -> None:
    """Only the rule may invoke the function so, and a lost invocation is made up for by the next."""
    (target,) = stack().properties("WatchRule")["Targets"]
    assert json.loads(target["Input"]) == WATCH
    assert stack().properties("WatchPermission")["SourceArn"] == "WatchRule.Arn"
