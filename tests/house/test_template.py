"""``template.yaml`` is valid, grants no more rights than needed, knows no vendor, and deploys as the page says."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rotation.deployment.deployment import Deployment
from rotation.deployment.sources import CONFIG, TEXT
from rotation.drivers import registry
from rotation.drivers.guarded import RESERVE_SECONDS

SEAL = "LOCKSTEP_SEAL_SECRET"
ROOT = Path(__file__).parents[2]
Resources = dict[str, dict[str, Any]]
DRIVERS = registry.driver_codes()
ON_DEMAND = {"NetworkInterfaces", "NoNetworkInterfacesForTheCode", "Traces"}
WITHOUT_RESOURCES = ON_DEMAND | {"Watch"}
"""Statements on all resources: EC2, X-Ray and ListSecrets know no narrower ones. Those of the first two are there on
demand only."""


@pytest.fixture(scope="module")
def resources(template: dict[str, Any]) -> Resources:
    """The template's resources by name."""
    return dict(template["Resources"])


def _statements(resources: Resources) -> list[dict[str, Any]]:
    """Return the statements of the role; one that depends on a condition names it under ``if``."""
    raw = resources["RotationRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    return [each["Fn::If"][1] | {"if": each["Fn::If"][0]} if "Fn::If" in each else each for each in raw]


@pytest.mark.slow
def test_sam_finds_no_fault(tmp_path: Path) -> None:
    """``sam validate --lint`` is clean, without credentials and without telemetry."""
    home = {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "SAM_CLI_TELEMETRY": "0",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }
    command = [str(Path(sys.executable).with_name("sam")), "validate", "--lint", "--template", "template.yaml"]
    done = subprocess.run(command, cwd=ROOT, env=home, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is a valid SAM Template" in done.stdout


def test_a_new_driver_changes_no_line() -> None:
    """No vendor, product, driver or driver's setting stands in the template."""
    text = (ROOT / "template.yaml").read_text().lower()
    words = {word for code in DRIVERS for word in (code, code.replace("_", ""), code.partition("_")[0])}
    assert {word for word in words if word in text} == set()


def test_there_are_few_parameters_and_each_can_be_left_out(template: dict[str, Any]) -> None:
    """Each has a description and a default; they stand in groups, every one of them once."""
    declared = template["Parameters"]
    assert len(declared) <= 18
    assert [name for name, each in declared.items() if not each.get("Description") or "Default" not in each] == []
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert sorted(name for group in groups for name in group["Parameters"]) == sorted(declared)


def test_every_statement_names_actions_and_resources(resources: Resources) -> None:
    """No statement names all actions, and none all resources where there are narrower ones."""
    for statement in _statements(resources):
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert not [action for action in actions if "*" in action]
        assert (statement["Resource"] == "*") is (statement["Sid"] in WITHOUT_RESOURCES)
        assert statement["Sid"] not in ON_DEMAND or statement["if"] in ("IsInVpc", "IsTraced")


def test_the_settings_page_lists_every_parameter(template: dict[str, Any]) -> None:
    """``docs/settings.md`` names each parameter."""
    page = (ROOT / "docs/settings.md").read_text()
    assert [name for name in template["Parameters"] if f"| `{name}` |" not in page] == []


def test_the_configuration_reaches_the_function(stack: Callable[..., Any]) -> None:
    """As a text it is read as the same file is; the variables are those that the code reads, and no others."""
    text = (ROOT / "examples/lockstep.toml").read_text()
    made = stack(Configuration=text)
    variables = made.properties("RotationFunction")["Environment"]["Variables"]
    assert {name for name in variables if name.startswith("LOCKSTEP_")} == {CONFIG, TEXT, SEAL}
    named = {CONFIG: str(ROOT / "examples/lockstep.toml"), SEAL: made.environment()[SEAL]}
    assert Deployment.from_environment(made.environment()) == Deployment.from_environment(named)
    assert stack(Configuration="ssm:/lockstep/config").environment()[CONFIG] == "ssm:/lockstep/config"
    packed = stack().environment()
    assert packed.keys().isdisjoint({CONFIG, TEXT})


@pytest.mark.parametrize("wrong", ["ssm:lockstep", "ssm:/lockstep/*", "ssm:/a b", "ssm:/a\nmore"])
def test_a_parameter_is_named_by_its_whole_path(stack: Callable[..., Any], wrong: str) -> None:
    """What begins as a parameter's name is one, or CloudFormation refuses it; the role may read no pattern."""
    stack(Configuration='# ssm:/name stands in a comment\ndrivers = ["a"]')
    with pytest.raises(AssertionError):
        stack(Configuration=wrong)


def test_a_step_may_take_a_minute_or_what_the_operator_says(template: dict[str, Any], resources: Resources) -> None:
    """``TimeoutSeconds`` goes up to Lambda's fifteen minutes, and holds the slowest call of a driver."""
    assert resources["RotationFunction"]["Properties"]["Timeout"] == {"Ref": "TimeoutSeconds"}
    asked = template["Parameters"]["TimeoutSeconds"]
    assert (asked["Default"], asked["MaxValue"]) == (60, 900)
    slowest = max(registry.load_driver(code, ()).call_seconds for code in DRIVERS)
    assert asked["MinValue"] >= slowest + RESERVE_SECONDS


def test_admin_secrets_keys_decrypt_those_and_nothing_else(template: dict[str, Any], resources: Resources) -> None:
    """Secrets Manager alone may use the keys, beside rotated secrets for admin secrets alone, if there are any."""
    (statement,) = [each for each in _statements(resources) if each["Sid"] == "AdminKeys"]
    assert statement["Action"] == "kms:Decrypt"
    assert statement["Resource"] == {"Ref": "KmsKeyArns"}
    assert statement["Condition"]["StringEquals"] == {
        "kms:ViaService": {"Fn::Sub": "secretsmanager.${AWS::Region}.${AWS::URLSuffix}"},
        "kms:EncryptionContext:SecretARN": {"Ref": "AdminSecretArns"},
    }
    both = [{"Condition": "HasAdminSecrets"}, {"Condition": "HasKmsKeys"}]
    assert template["Conditions"][statement["if"]] == {"Fn::And": both}


def test_the_seals_key_is_generated_and_read_by_the_function_alone(resources: Resources) -> None:
    """The function gets the secret that the stack makes; its role may read that, no more."""
    chosen = {"Ref": "SealSecret"}
    variables = resources["RotationFunction"]["Properties"]["Environment"]["Variables"]
    assert variables[SEAL] == chosen
    (statement,) = [each for each in _statements(resources) if each["Resource"] == chosen]
    assert statement["Action"] == "secretsmanager:GetSecretValue"
    made = resources["SealSecret"]
    assert "Name" not in made["Properties"]  # else it might be under the prefix of the rotated secrets
    generated = made["Properties"]["GenerateSecretString"]
    assert (generated["SecretStringTemplate"], generated["GenerateStringKey"]) == ("{}", "key")


def test_the_seals_own_key_decrypts_it_and_nothing_else(resources: Resources, stack: Callable[..., Any]) -> None:
    """The first key that is named encrypts the secret; Secrets Manager alone may use it, for this secret."""
    first, second = (f"arn:aws:kms:eu-central-1:111122223333:key/{name}" for name in ("first", "second"))
    assert "KmsKeyId" not in stack().properties("SealSecret")
    assert stack(KmsKeyArns=f"{first},{second}").properties("SealSecret")["KmsKeyId"] == first
    (made,) = [each for each in stack(KmsKeyArns=f"{first},{second}").statements() if each["Sid"] == "SealKey"]
    assert (made["Action"], made["Resource"]) == ("kms:Decrypt", first)
    (statement,) = [each for each in _statements(resources) if each["Sid"] == "SealKey"]
    assert statement["Condition"]["StringEquals"] == {
        "kms:ViaService": {"Fn::Sub": "secretsmanager.${AWS::Region}.${AWS::URLSuffix}"},
        "kms:EncryptionContext:SecretARN": {"Ref": "SealSecret"},
    }


def test_a_fresh_account_can_deploy_it(stack: Callable[..., Any]) -> None:
    """No concurrency is reserved by default: an account with a quota of ten has none to reserve."""
    assert "ReservedConcurrentExecutions" not in stack().properties("RotationFunction")
    assert stack(ReservedConcurrency="10").properties("RotationFunction")["ReservedConcurrentExecutions"] == "10"


def test_a_deployment_that_is_rolled_back_leaves_nothing_in_the_way(resources: Resources) -> None:
    """The log group outlives its stack, but not a first deployment that failed: its name is needed again."""
    group = resources["RotationLogGroup"]
    assert (group["DeletionPolicy"], group["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_the_function_stands_in_a_network_on_demand(stack: Callable[..., Any]) -> None:
    """Without subnets there is neither a network nor a right to make interfaces; its own code never has that right."""
    assert "VpcConfig" not in stack().properties("RotationFunction")
    assert ON_DEMAND.isdisjoint(each["Sid"] for each in stack().statements())
    made = stack(SubnetIds="subnet-0123abcd,subnet-4567abcd", SecurityGroupIds="sg-0123abcd")
    network = made.properties("RotationFunction")["VpcConfig"]
    assert network == {"SubnetIds": ["subnet-0123abcd", "subnet-4567abcd"], "SecurityGroupIds": ["sg-0123abcd"]}
    allowed, denied = [each for each in made.statements() if each["Sid"] in ON_DEMAND]
    assert (allowed["Effect"], denied["Effect"]) == ("Allow", "Deny")
    assert allowed["Action"] == denied["Action"]
    function = "arn:aws:lambda:eu-central-1:111122223333:function:lockstep-rotation"
    assert denied["Condition"] == {"ArnEquals": {"lambda:SourceFunctionArn": function}}
    (alone,) = [each for each in stack(SubnetIds="subnet-0123abcd").statements() if each["Sid"] == "NetworkInterfaces"]
    assert alone == allowed


def test_traces_are_written_on_demand(stack: Callable[..., Any]) -> None:
    """X-Ray has its right only where it is switched on."""
    assert stack().properties("RotationFunction")["Tracing"] == "PassThrough"
    made = stack(Tracing="true")
    assert made.properties("RotationFunction")["Tracing"] == "Active"
    (statement,) = [each for each in made.statements() if each["Sid"] == "Traces"]
    assert statement["Action"] == ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]


def test_in_china_every_service_has_its_name_there(stack: Callable[..., Any]) -> None:
    """Partition and URL suffix come from CloudFormation, in every ARN and every service's name."""
    named = {"OtherAccountId": "444455556666", "Configuration": "ssm:/lockstep/config", "Tracing": "true"}
    named |= {"KmsKeyArns": "arn:aws-cn:kms:cn-north-1:111122223333:key/a", "SubnetIds": "subnet-0123abcd"}
    china = {"AWS::Partition": "aws-cn", "AWS::Region": "cn-north-1", "AWS::URLSuffix": "amazonaws.com.cn"}
    made = stack(pseudo=china, **named)
    text = json.dumps([made.properties(name) for name in made.template["Resources"]])
    assert re.findall(r"[\w.]*amazonaws\.com(?!\.cn)|arn:aws:", text) == ["events.amazonaws.com"]
    assert len(re.findall(r"amazonaws\.com\.cn", text)) == 8


def test_fleets_are_made_on_demand_alone(resources: Resources, stack: Callable[..., Any]) -> None:
    """By default nothing of them is made; a drift check has a schedule of its own, which needs them as well."""
    made = {name for name in resources if name.startswith(("Fleet", "DriftCheck"))}
    assert {resources[name]["Condition"] for name in made} == {"HasFleet", "HasDriftCheck"}
    for given, fleet, check in (
        ({}, False, False),
        ({"DriftCheckSchedule": "rate(1 day)"}, False, False),
        ({"FleetWritesPerSecond": "10"}, True, False),
        ({"FleetWritesPerSecond": "10", "DriftCheckSchedule": "cron(0 3 * * ? *)"}, True, True),
    ):
        conditions = stack(**given).template["Conditions"]
        found = stack(**given).resolved([conditions["HasFleet"], conditions["HasDriftCheck"]])
        assert found == [fleet, check]
    order = json.loads(resources["DriftCheck"]["Properties"]["Target"]["Input"])
    assert (order["do"], order["all"]) == ("verify", True)


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_what_is_packed_for_one_processor_is_deployed_for_no_other(tmp_path: Path, architecture: str) -> None:
    """The build names its processor in the template that it writes: any other value is refused there."""
    from samcli.yamlhelper import yaml_parse

    built = tmp_path / "template.yaml"
    built.write_text((ROOT / "template.yaml").read_text())
    command = [sys.executable, ".ci/pin_architecture.py", str(built), architecture]
    subprocess.run(command, cwd=ROOT, check=True, timeout=60)
    parameter = yaml_parse(built.read_text())["Parameters"]["Architecture"]
    assert (parameter["Default"], parameter["AllowedValues"]) == (architecture, [architecture])
    original = yaml_parse((ROOT / "template.yaml").read_text())["Parameters"]["Architecture"]
    assert (original["Default"], original["AllowedValues"]) == ("x86_64", ["x86_64", "arm64"])


def _documented_commands() -> list[list[str]]:
    """Return the words of each command of docs/aws.md that deploys."""
    page = (ROOT / "docs/aws.md").read_text().replace("\\\n", " ")
    found = re.findall(r"^ *\$ ((?:\S*/)?sam deploy .*)$", page, re.MULTILINE)
    return [shlex.split(line, comments=True) for line in found]


@pytest.mark.parametrize("command", _documented_commands(), ids=" ".join)
def test_each_documented_deployment_names_parameters_that_exist(stack: Callable[..., Any], command: list[str]) -> None:
    """SAM reads the overrides as the template's parameters; ``samconfig.toml`` has all else, but for the region."""
    from samcli.cli.types import CfnParameterOverridesType

    arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:admin/x-AbCdEf"
    start = command.index("--parameter-overrides") + 1
    words = [word.replace("=ARN", f"={arn}") for word in command[start:]]
    assert {word for word in command if word.startswith("--")} <= {"--parameter-overrides", "--tags", "--stack-name"}
    words = words[: words.index("--tags")] if "--tags" in words else words
    overrides = CfnParameterOverridesType().convert(tuple(words), None, None)
    assert overrides
    stack(**overrides)


def test_samconfig_pins_no_region() -> None:
    """``sam`` follows AWS_REGION, as ``aws`` and ``lockstep`` do."""
    import tomllib

    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    assert "region" not in json.dumps(config)
    assert config["default"]["deploy"]["parameters"].keys() == {
        "stack_name",
        "capabilities",
        "resolve_s3",
        "confirm_changeset",
    }
