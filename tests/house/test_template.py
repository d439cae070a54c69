"""``template.yaml`` is valid, grants no more rights than needed, and names what the code reads and calls."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rotation.core.values import Evidence
from rotation.deployment.deployment import Deployment
from rotation.deployment.setting import Scope, declared
from rotation.drivers import registry
from rotation.drivers.guarded import RESERVE_SECONDS

ROOT = Path(__file__).parents[2]
Resources = dict[str, dict[str, Any]]
DRIVERS = ("huawei_meeting", "tencent_bm", "ucloud_compshare", "volcengine_cloudidentity")
HOST_KEY = "ssh-ed25519 " + base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes(32)).decode()


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


def test_every_statement_names_actions_and_resources(resources: Resources) -> None:
    """No statement names all actions or all resources."""
    for statement in _statements(resources):
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert not [action for action in actions if "*" in action]
        assert statement["Resource"] != "*"


def test_rotated_secrets_must_name_this_function(resources: Resources) -> None:
    """The role may change only secrets under the prefix whose rotation function is this one."""
    rotated = next(each for each in _statements(resources) if each["Sid"] == "RotatedSecrets")
    assert rotated["Resource"]["Fn::Sub"].endswith(":secret:${SecretNamePrefix}*")
    condition = rotated["Condition"]["StringEquals"]["secretsmanager:resource/AllowRotationLambdaArn"]
    assert condition["Fn::Sub"].endswith(":function:${FunctionName}")


def test_example_is_never_rotated_by_creating_it(resources: Resources) -> None:
    """Creating the example's schedule resets no password."""
    assert resources["ExampleSchedule"]["Properties"]["RotateImmediatelyOnUpdate"] is False


def test_the_settings_page_lists_every_parameter(template: dict[str, Any]) -> None:
    """``docs/settings.md`` names each parameter, a driver's by the form ``<Code>…``."""
    page = (ROOT / "docs/settings.md").read_text()
    listed = set(re.findall(r"`(<?[A-Z][A-Za-z<>…]+)`", page))
    codes = re.compile("|".join("".join(map(str.capitalize, code.split("_"))) for code in DRIVERS))
    named = {codes.sub("<Code>", re.sub(r"^Example.*", "Example…", name)) for name in template["Parameters"]}
    assert named - listed == set()


def test_every_parameter_is_described(template: dict[str, Any]) -> None:
    """Each parameter has a description."""
    assert [name for name, each in template["Parameters"].items() if not each.get("Description")] == []


def test_variables_are_those_that_the_code_reads(resources: Resources) -> None:
    """Every LOCKSTEP_ variable of the template changes what the deployment reads, and each driver has its own."""
    names = set(resources["RotationFunction"]["Properties"]["Environment"]["Variables"])
    values = {
        "LOCKSTEP_DRIVERS": ",".join((*DRIVERS, "from_a_plugin")),
        "LOCKSTEP_PLUGINS": "some-plugin",
        "LOCKSTEP_HOSTS": "proxy.example:8443",
        "LOCKSTEP_MIN_EVIDENCE": "ACCEPTED",
        "LOCKSTEP_COMMIT": "early",
        "LOCKSTEP_WINDOW": "Sat,Sun 02:00-05:00 UTC",
        "LOCKSTEP_SSH_TRUST_ON_FIRST_USE": "1",
        "LOCKSTEP_SEAL_SECRET": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:seal",
        **{f"LOCKSTEP_{code.upper()}_WINDOW": "Mon 02:00-05:00 UTC" for code in DRIVERS},
        **{f"LOCKSTEP_{code.upper()}_PROPAGATION_SECONDS": "7" for code in DRIVERS},
        **{f"LOCKSTEP_{code.upper()}_LOCKOUT": "3/900" for code in DRIVERS},
        "LOCKSTEP_HUAWEI_MEETING_ENDPOINT": "https://meeting.example",
        "LOCKSTEP_HUAWEI_MEETING_ADMIN_SECRET": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:app",
        "LOCKSTEP_UCLOUD_COMPSHARE_ENDPOINT": "https://ucloud.example",
        "LOCKSTEP_UCLOUD_COMPSHARE_ADMIN_SECRET": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:admin",
        "LOCKSTEP_TENCENT_BM_ENDPOINT": "https://bm.example",
        "LOCKSTEP_TENCENT_BM_ADMIN_SECRET": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:bm",
        "LOCKSTEP_VOLCENGINE_CLOUDIDENTITY_ENDPOINT": "https://identity.example",
        "LOCKSTEP_VOLCENGINE_CLOUDIDENTITY_ADMIN_SECRET": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:id",
        "LOCKSTEP_VOLCENGINE_CLOUDIDENTITY_LOGIN": "ssh://portal.example",
        "LOCKSTEP_VOLCENGINE_CLOUDIDENTITY_LOGIN_HOST_KEY": HOST_KEY,
    }
    assert {name for name in names if name.startswith("LOCKSTEP_")} == set(values)
    full = Deployment.from_environment(values)
    without_key = values | {"LOCKSTEP_VOLCENGINE_CLOUDIDENTITY_LOGIN_HOST_KEY": ""}
    for name in set(values) - {"LOCKSTEP_DRIVERS"}:
        given = without_key if name.endswith("_LOGIN") else values  # a host's key needs its login
        assert Deployment.from_environment(given | {name: ""}) != full, name


def test_every_setting_of_the_deployment_is_a_parameter(resources: Resources) -> None:
    """Each setting, for each driver that has it, comes from a parameter."""
    expected = set()
    for setting in declared(Deployment).values():
        if setting.key == "ca_file":
            continue  # it names a file of the package, as `lockstep.toml` beside it does
        if setting.scope is not Scope.DRIVER:
            expected.add(setting.variable())
        for code in DRIVERS if setting.scope is not Scope.ALL else ():
            proves_itself = registry.load_driver(code, ()).evidence is Evidence.LOGIN
            if not setting.key.startswith("login") or not proves_itself:
                expected.add(setting.variable(code))
    variables = resources["RotationFunction"]["Properties"]["Environment"]["Variables"]
    assert {name for name, each in variables.items() if "Ref" in each or "Fn::If" in each} == expected


def test_a_step_may_take_a_minute_or_what_the_operator_says(template: dict[str, Any], resources: Resources) -> None:
    """``TimeoutSeconds`` goes up to Lambda's fifteen minutes, and holds the slowest call of a driver."""
    assert resources["RotationFunction"]["Properties"]["Timeout"] == {"Ref": "TimeoutSeconds"}
    asked = template["Parameters"]["TimeoutSeconds"]
    assert (asked["Default"], asked["MaxValue"]) == (60, 900)
    slowest = max(registry.load_driver(code, ()).call_seconds for code in DRIVERS)
    assert asked["MinValue"] >= slowest + RESERVE_SECONDS


def test_admin_secrets_keys_decrypt_those_and_nothing_else(template: dict[str, Any], resources: Resources) -> None:
    """Keys of admin secrets may be used by Secrets Manager alone, for admin secrets alone, if there are any."""
    (statement,) = [each for each in _statements(resources) if each["Sid"] == "AdminKeys"]
    assert statement["Action"] == "kms:Decrypt"
    assert statement["Resource"] == {"Ref": "AdminKmsKeyArns"}
    condition = statement["Condition"]["StringEquals"]
    assert condition["kms:ViaService"] == {"Fn::Sub": "secretsmanager.${AWS::Region}.amazonaws.com"}
    named = {each["Fn::If"][1]["Ref"] for each in condition["kms:EncryptionContext:SecretARN"]}
    assert named == {name for name in template["Parameters"] if name.endswith(("AdminSecretArn", "SealSecretArn"))}
    a_key_is_named = {"Fn::Not": [{"Fn::Equals": [{"Fn::Join": ["", {"Ref": "AdminKmsKeyArns"}]}, ""]}]}
    a_secret_is_named = {"Fn::Or": [{"Condition": "HasAdminSecret"}, {"Condition": "HasSealSecret"}]}
    assert template["Conditions"][statement["if"]] == {"Fn::And": [a_secret_is_named, a_key_is_named]}
    secrets = {each["Condition"] for each in template["Conditions"]["HasAdminSecret"]["Fn::Or"]}
    assert secrets | {"HasSealSecret"} == {each["Fn::If"][0] for each in condition["kms:EncryptionContext:SecretARN"]}


def test_the_seals_key_is_generated_and_read_by_the_function_alone(resources: Resources) -> None:
    """The function gets the secret that the stack makes, or the one that is named; its role may read that, no more."""
    chosen = {"Fn::If": ["MakesSealSecret", {"Ref": "SealSecret"}, {"Ref": "SealSecretArn"}]}
    variables = resources["RotationFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["LOCKSTEP_SEAL_SECRET"] == chosen
    (statement,) = [each for each in _statements(resources) if each["Resource"] == chosen]
    assert statement["Action"] == "secretsmanager:GetSecretValue"
    made = resources["SealSecret"]
    assert made["Condition"] == "MakesSealSecret"
    assert "Name" not in made["Properties"]  # else it might be under the prefix of the rotated secrets
    generated = made["Properties"]["GenerateSecretString"]
    assert (generated["SecretStringTemplate"], generated["GenerateStringKey"]) == ("{}", "key")


@pytest.mark.parametrize("code", DRIVERS)
def test_drivers_with_an_admin_credential_have_a_place_for_it(
    template: dict[str, Any], resources: Resources, code: str
) -> None:
    """Each driver that takes an admin credential has its variable; the role may read that secret, if one is named."""
    assert registry.load_driver(code, ()).admin is not None
    variables = resources["RotationFunction"]["Properties"]["Environment"]["Variables"]
    parameter = variables[f"LOCKSTEP_{code.upper()}_ADMIN_SECRET"]["Ref"]
    (statement,) = [each for each in _statements(resources) if each["Resource"] == {"Ref": parameter}]
    assert statement["Action"] == "secretsmanager:GetSecretValue"
    assert template["Conditions"][statement["if"]] == {"Fn::Not": [{"Fn::Equals": [{"Ref": parameter}, ""]}]}
