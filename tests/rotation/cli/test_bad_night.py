"""Bad input and bad surroundings, one by one: each ends in a typed error that says whose setting is wrong."""

import io
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from rotation_testkit.sandbox.sandbox import BATCH, HUAWEI, open_sandbox

HUAWEI_ID = "lockstep/huawei_meeting"


def error_of(ran):
    """Return the error of a command that was run with ``--json``."""
    last = ran.objects[-1]
    return last.get("error", last)


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"AWS_REGION": ""}, ""),
        ({"LOCKSTEP_DRIVERS": "oracle"}, "oracle"),
        ({"LOCKSTEP_TENCENT_BM_WINDW": "Sat 02:00-05:00 UTC"}, "LOCKSTEP_TENCENT_BM_WINDOW"),
        ({"AWS_PROFILE": "no-such-profile"}, "ProfileNotFound"),
        ({"AWS_ENDPOINT_URL_SECRETS_MANAGER": "nonsense"}, "AWS_ENDPOINT_URL"),
    ],
    ids=["empty region", "driver", "misspelt", "profile", "endpoint"],
)
def test_a_wrong_variable_is_named(lockstep, embedded, monkeypatch, variables, says):
    """No variable is ignored silently, and none ends in an internal error; an empty one is as if it were not set."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    ran = lockstep("verify", HUAWEI_ID, "--json")
    assert ran.code == (4 if says else 0), ran.out
    if says:
        error = error_of(ran)
        assert says in error["message"] + error["hint"], error
        assert error["code"] != "internal_error"
        assert embedded.huawei.requests == []


def test_a_plug_in_that_is_not_installed_is_a_fault_of_the_configuration(lockstep, embedded, monkeypatch):
    """Its drivers would be unknown, which the check of the configuration says first."""
    assert embedded
    monkeypatch.setenv("LOCKSTEP_PLUGINS", "nope")
    ran = lockstep("config", "check", "--json")
    assert (ran.code, ran.objects[0]["faults"]) == (1, ["plugins: nope is not installed, or brings no driver"])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"user_id": 7, "username": ""}, "username"),
        ({"password": ""}, "password"),
        ({"password": "blank at the end "}, "begins or ends with a blank"),
        ({"power": "sometimes"}, "power must be one of"),
        ({"driver": 5}, "driver"),
    ],
    ids=["username", "password", "blank", "power", "driver"],
)
@pytest.mark.parametrize("command", [("verify",), ("rotate",), ("rotate", "--dry-run")], ids=" ".join)
def test_a_wrong_key_of_the_secret_is_the_secrets_fault(lockstep, embedded, command, change, says):
    """The hint never sends people to the deployment's settings, and nothing is sent."""
    document = json.loads(embedded.secrets_manager.value(HUAWEI_ID).reveal()) | change
    embedded.secrets_manager.call("PutSecretValue", SecretId=HUAWEI_ID, SecretString=json.dumps(document))
    ran = lockstep(command[0], HUAWEI_ID, *command[1:], "--json")
    assert (ran.code, says in ran.out) == (4, True), ran.out
    assert "Correct the deployment" not in ran.out
    assert embedded.changes(HUAWEI) == embedded.wrong_logins(HUAWEI) == 0


@pytest.mark.parametrize("devices", [[], {}, [5]], ids=json.dumps)
def test_a_wrong_list_of_a_batch_is_named(lockstep, monkeypatch, devices):
    """The message is about the list, and not about a password that the whole has not."""
    with open_sandbox(holding=(BATCH,), retry_delays=()) as started:
        for variable, value in started.environment().items():
            monkeypatch.setenv(variable, value)
        name = started.accounts[BATCH]
        document = json.loads(started.secrets_manager.value(name).reveal()) | {"devices": devices}
        started.secrets_manager.call("PutSecretValue", SecretId=name, SecretString=json.dumps(document))
        ran = lockstep("verify", name, "--json")
        assert ran.code == 4
        assert "devices" in error_of(ran)["message"], ran.out


class Portal(BaseHTTPRequestHandler):
    """A captive portal: 200 and a page for everything."""

    def do_POST(self):
        """Answer."""
        page = b"<html>Please log in to the guest network</html>"
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_):
        """Be quiet."""


@pytest.fixture
def portal(monkeypatch):
    """Let a captive portal answer in Secrets Manager's place."""
    with HTTPServer(("127.0.0.1", 0), Portal) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", f"http://127.0.0.1:{server.server_port}")
        yield
        server.shutdown()


@pytest.mark.usefixtures("embedded", "portal")
@pytest.mark.parametrize("command", [("verify",), ("rotate",), ("doctor",), ("rotate", "--dry-run")], ids=" ".join)
def test_a_page_in_the_stores_place_is_no_empty_secret(lockstep, command):
    """No hint asks for a first value, which would overwrite the real one."""
    ran = lockstep(command[0], HUAWEI_ID, *command[1:])
    shown = ran.out + ran.err
    assert ran.code in (1, 4)
    assert "internal_error" not in shown
    assert "Put the account document" not in shown
    assert "something else answers" in shown, shown


def test_the_region_of_an_arn_is_compared(lockstep, embedded):
    """A secret that is not here may be in the region that its ARN names."""
    arn = embedded.secrets_manager.call("DescribeSecret", SecretId=HUAWEI_ID)["ARN"].replace(
        "eu-central-1", "us-west-2"
    )
    ran = lockstep("verify", arn, "--json")
    assert (ran.code, error_of(ran)["code"]) == (4, "secret_not_found")
    assert "AWS_REGION=us-west-2" in error_of(ran)["hint"]


def test_a_value_that_would_not_fit_is_found_before(lockstep, embedded):
    """The dry run says the same as the rotation, with the size."""
    text = embedded.secrets_manager.value(HUAWEI_ID).reveal()
    document = json.loads(text) | {"note": ""}
    document["note"] = "x" * (65_536 - len(json.dumps(document)))
    embedded.secrets_manager.call("PutSecretValue", SecretId=HUAWEI_ID, SecretString=json.dumps(document))
    for options in (("--dry-run",), ()):
        ran = lockstep("rotate", HUAWEI_ID, *options, "--json")
        assert (ran.code, "bytes" in ran.out) == (4, True), ran.out
    assert embedded.changes(HUAWEI) == 0


def test_the_request_id_of_the_store_is_not_called_the_vendors(lockstep, embedded):
    """People must know who gets it."""
    assert embedded
    shown = lockstep("verify", "nobody/knows").err
    assert "vendor's" not in shown
    assert "ResourceNotFoundException" in shown
    assert io.StringIO(shown).readline().startswith("error: secret_not_found: ")
