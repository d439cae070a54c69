"""``examples/vault/``: every job starts a command that exists, with known variables, for the policy's folder."""

import re
from pathlib import Path

import pytest
import yaml

from rotation.cli.app import run as lockstep
from rotation.deployment.deployment import Deployment
from rotation_testkit.commands.demo import vault_setup
from vault_plugin.functions import mirrored, scheduled
from vault_plugin.job.settings import VaultSettings

EXAMPLES = Path(__file__).parents[3] / "examples" / "vault"
POLICY = (EXAMPLES / "policy.hcl").read_text()
FOLDER = "prod/apps"
KNOWN = {"VAULT_ADDR", "LOCKSTEP_DRIVERS", "LOCKSTEP_UCLOUD_COMPSHARE_ADMIN_SECRET"} | {
    f"LOCKSTEP_VAULT_{name}"
    for name in ("AUTH", "ROLE", "ROLE_ID", "SECRET_ID", "SECRET_ID_FILE", "TOKEN_FILE", "MOUNT", "PREFIX")
}


def kubernetes():
    """Return arguments and variables of the cron job."""
    account, job = yaml.safe_load_all((EXAMPLES / "kubernetes-cronjob.yaml").read_text())
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == account["metadata"]["name"]
    container = pod["containers"][0]
    return [*container["command"], *container["args"]], {each["name"]: each["value"] for each in container["env"]}


def nomad():
    """Return arguments and variables of the periodic job."""
    text = (EXAMPLES / "nomad-periodic.nomad.hcl").read_text()
    arguments = re.findall(r'"([^"]+)"', re.search(r"args\s+= \[(.*)\]", text)[1])
    return arguments[arguments.index("lockstep") :], dict(re.findall(r'^ +([A-Z_]+) += "(.*)"$', text, re.MULTILINE))


def systemd():
    """Return arguments and variables of the unit."""
    text = (EXAMPLES / "lockstep.service").read_text()
    command = re.search(r"^ExecStart=(.*)$", text, re.MULTILINE)[1].split()
    return [Path(command[0]).name, *command[1:]], dict(re.findall(r"^Environment=([A-Z_]+)=(.*)$", text, re.MULTILINE))


def function(name="scheduled-function", resource="ScheduledRotation", entry=scheduled.lambda_handler):
    """Return variables of the scheduled function."""
    from samcli.yamlhelper import yaml_parse  # takes long, and each worker collects this module

    made = yaml_parse((EXAMPLES / f"{name}.yaml").read_text())
    properties = made["Resources"][resource]["Properties"]
    assert properties["Handler"] == f"{entry.__module__}.{entry.__name__}"
    parameters = {name: each.get("Default", "x") for name, each in made["Parameters"].items()}
    variables = properties["Environment"]["Variables"]
    refs = {**parameters, **{name: name for name in made["Resources"]}}
    return {key: refs[value["Ref"]] if isinstance(value, dict) else value for key, value in variables.items()}


@pytest.mark.parametrize("job", [kubernetes, nomad, systemd])
def test_a_job_starts_a_command_that_exists(job, capsys):
    """The job's command exists and takes the job's options."""
    command, *arguments = job()[0]
    assert command == "lockstep"
    assert arguments[arguments.index("--prefix") + 1] == FOLDER
    assert lockstep([*arguments, "--help"]) == 0
    assert "--prefix" in capsys.readouterr().out


@pytest.mark.parametrize("job", [kubernetes, nomad, systemd, function])
def test_a_jobs_variables_are_those_that_are_read(job, tmp_path):
    """Every variable is needed or changes something, and the folder is the policy's."""
    found = job()
    variables = found if isinstance(found, dict) else found[1]
    (tmp_path / "proof").write_text("x")
    for name in ("LOCKSTEP_VAULT_TOKEN_FILE", "LOCKSTEP_VAULT_SECRET_ID_FILE"):
        if name in variables:
            variables[name] = str(tmp_path / "proof")
    vault, deployment = VaultSettings.from_environment(variables), Deployment.from_environment(variables)
    assert vault.server.address == "https://vault.example:8200"
    assert deployment.drivers == ("ucloud_compshare", "huawei_meeting")
    assert f'path "{vault.mount}/data/{FOLDER}/*"' in POLICY
    for path in deployment.admin_secrets.values():
        assert f'path "{vault.mount}/data/{path}"' in POLICY
    assert variables.get("LOCKSTEP_VAULT_PREFIX", FOLDER) == FOLDER
    assert set(variables) <= KNOWN


def test_the_mirrored_functions_variables_are_those_that_are_read():
    """The function's folder is that of its own policy, and its admin credentials are in AWS."""
    variables = function("mirrored-function", "RotationFunction", mirrored.lambda_handler)
    VaultSettings.from_environment(variables)
    assert Deployment.from_environment(variables).drivers == ("ucloud_compshare", "huawei_meeting")
    path = mirrored.path_of("app", variables)
    policy = (EXAMPLES / "mirror-policy.hcl").read_text()
    assert f'path "{variables["LOCKSTEP_VAULT_MOUNT"]}/data/{path.removesuffix("app")}*"' in policy
    assert set(variables) <= KNOWN | {mirrored.PREFIX, "LOCKSTEP_SEAL_SECRET"}


def test_the_mirrored_function_has_the_seal_secret_of_the_projects_template():
    """The secret that it names is made beside it, and its value is generated likewise."""
    from samcli.yamlhelper import yaml_parse  # as above

    variables = function("mirrored-function", "RotationFunction", mirrored.lambda_handler)
    texts = [(EXAMPLES / "mirrored-function.yaml").read_text(), (EXAMPLES.parents[1] / "template.yaml").read_text()]
    own, projects = (
        yaml_parse(text)["Resources"]["SealSecret"]["Properties"]["GenerateSecretString"] for text in texts
    )
    assert (variables["LOCKSTEP_SEAL_SECRET"], own) == ("SealSecret", projects)


def test_the_demonstrations_job_has_the_same_policy():
    """The demonstration's policy is the example's, for its own folder and without admin credentials."""
    rule = re.compile(r'path "([^"]+)" \{\s*capabilities = \[([^\]]*)\]\s*\}')
    example = {path.replace("prod/", ""): listed for path, listed in rule.findall(POLICY)}
    assert example.pop("secret/data/admin/ucloud_compshare") == '"read"'
    assert dict(rule.findall(vault_setup.POLICY)) == example


def test_every_job_ends_before_the_next_begins():
    """A run that hangs is ended within its hour, and the next run goes on where it stopped."""
    _, job = yaml.safe_load_all((EXAMPLES / "kubernetes-cronjob.yaml").read_text())
    nomad_text = (EXAMPLES / "nomad-periodic.nomad.hcl").read_text()
    unit = (EXAMPLES / "lockstep.service").read_text()
    assert job["spec"]["jobTemplate"]["spec"]["activeDeadlineSeconds"] < 3600
    assert int(re.search(r'command = "timeout"\s+args\s+= \["--kill-after=60", "(\d+)"', nomad_text)[1]) < 3600
    assert int(re.search(r"^TimeoutStartSec=(\d+)min$", unit, re.MULTILINE)[1]) < 60
