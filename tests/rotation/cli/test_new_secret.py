"""``lockstep enroll --driver``: a secret is made once its password has opened the account, and bound; or nothing is."""

import json
import os
import subprocess
import sys

import pytest

from rotation.cli import attachment
from rotation.core.document import SecretDocument
from rotation.stores.aws.secrets_manager import BINDING_TAG
from rotation_testkit.sandbox.enrolled import binding_of
from rotation_testkit.sandbox.sandbox import HUAWEI, UCLOUD

NEW = "lockstep/new"


def options(world, code, *left_out):
    """Return the options for a sandbox's account, and its password as the first line of standard input."""
    document = world.vendor_accounts[code].document
    keys = {key: value for key, value in document.items() if key not in ("driver", "password", *left_out)}
    sets = [word for key, value in keys.items() for word in ("--set", f"{key}={value}")]
    return ["--driver", code, *sets, "--password-stdin"], f"{world.live(code).reveal()}\n".encode()


def made(world, name=NEW):
    """Return the document of a secret, and its binding; ``None`` if there is no such secret."""
    value = world.secrets_manager.value(name) if exists(world, name) else None
    if value is None:
        return None
    tags = world.secrets_manager.call("DescribeSecret", SecretId=name).get("Tags") or ()
    return SecretDocument.parse(value.reveal()), {each["Key"]: each["Value"] for each in tags}.get(BINDING_TAG)


def exists(world, name):
    """Return whether a secret of that name is listed."""
    listed = world.secrets_manager.call("ListSecrets")["SecretList"]
    return name in [each["Name"] for each in listed]


@pytest.mark.parametrize("code", [HUAWEI, UCLOUD])
def test_a_secret_is_made_bound_and_can_be_rotated(lockstep, embedded, code):
    """One login checks the password; the document is what the options say, and enrolling again changes nothing."""
    words, password = options(embedded, code)
    ran = lockstep("enroll", NEW, *words, "--yes", "--json", stdin=password)
    assert ran.code == 0, ran.out + ran.err
    assert (ran.objects[0]["secret_id"], ran.objects[0]["outcome"]) == (NEW, "enrolled")
    document, binding = made(embedded)
    assert dict(document) == dict(embedded.vendor_accounts[code].document) | {"password": embedded.live(code)}
    assert binding == binding_of(document)
    assert (embedded.wrong_logins(code), embedded.changes(code)) == (0, 0)
    assert password.decode().strip() not in ran.out + ran.err
    again = lockstep("enroll", NEW, *words, "--yes", "--json", stdin=password)
    assert (again.code, again.objects[0]["outcome"]) == (0, "unchanged")
    assert lockstep("verify", NEW).code == 0
    assert lockstep("rotate", NEW, "--dry-run").code == 0


def test_a_wrong_password_is_not_stored(lockstep, embedded):
    """It costs one wrong login; no secret is made."""
    words, _ = options(embedded, HUAWEI)
    ran = lockstep("enroll", NEW, *words, "--yes", "--json", stdin=b"Wr0ngPassw0rdWr0ng\n")
    assert (ran.code, ran.objects[-1]["code"], ran.objects[-1]["secret_id"]) == (4, "login_rejected", NEW)
    assert (embedded.wrong_logins(HUAWEI), made(embedded)) == (1, None)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--driver", HUAWEI, "--set", "username=a", "--set", "password=Secret1Secret"], "the password is no argument"),
        (["--driver", HUAWEI, "--set", "username=a"], "the password is missing"),
        (["--driver", HUAWEI, "--password-stdin"], "username (The account"),
        (["--driver", UCLOUD, "--set", "username=root", "--password-stdin"], "uhost_id"),
        (["--driver", HUAWEI, "--set", "username", "--password-stdin"], "KEY=VALUE"),
        (["--set", "username=a", "--password-stdin"], "driver is missing"),
        (["--driver", HUAWEI, "--set", "username=a", "--password-stdin"], "the password is empty"),
    ],
    ids=["argument", "no password", "no name", "no key", "no value", "no driver", "empty"],
)
def test_what_is_missing_is_named(lockstep, embedded, words, says):
    """Nobody can be asked, so the command is wrong; no vendor is called and nothing is made."""
    ran = lockstep("enroll", NEW, *words, "--yes")
    assert (ran.code, says in ran.err) == (2, True), ran.err
    assert "Secret1Secret" not in ran.err
    assert (made(embedded), embedded.huawei.requests, embedded.ucloud.requests) == (None, [], [])


def test_a_driver_that_the_deployment_does_not_allow_is_refused(lockstep, embedded):
    """Before anything is asked or called."""
    ran = lockstep("enroll", NEW, "--driver", "redfish_bmc", "--yes", "--json")
    assert (ran.code, ran.objects[-1]["code"]) == (4, "driver_not_allowed")
    assert made(embedded) is None


def test_the_hosts_key_is_read_compared_and_pinned(lockstep, embedded):
    """Without a fingerprint it is shown and nothing is sent; another one is refused; the right one is pinned."""
    words, password = options(embedded, UCLOUD, "host_key")
    asked = lockstep("enroll", NEW, *words, "--yes", stdin=password)
    assert (asked.code, "the host shows ssh-ed25519 SHA256:" in asked.err) == (2, True), asked.err
    shown = asked.err.partition("ssh-ed25519 ")[2].split()[0]
    wrong = lockstep("enroll", NEW, *words, "--yes", "--json", "--host-key", f"{shown}x", stdin=password)
    assert (wrong.code, wrong.objects[-1]["code"]) == (4, "host_key_changed")
    assert made(embedded) is None
    ran = lockstep("enroll", NEW, *words, "--yes", "--host-key", shown, stdin=password)
    assert ran.code == 0, ran.err
    assert made(embedded)[0]["host_key"] == embedded.vendor_accounts[UCLOUD].document["host_key"]
    assert embedded.wrong_logins(UCLOUD) == 0


def test_a_value_that_is_written_before_the_secret_is_bound_is_not_bound(lockstep, embedded, monkeypatch):
    """Somebody is faster than the second step of the command, and names another account: the secret stays unbound."""
    store = embedded.secrets_manager

    def faster(*_):
        value = json.loads(store.value(NEW).reveal()) | {"username": "somebody@example.com"}
        store.call("PutSecretValue", SecretId=NEW, SecretString=json.dumps(value))

    monkeypatch.setattr(attachment, "go_on", faster)
    words, password = options(embedded, HUAWEI)
    ran = lockstep("enroll", NEW, *words, "--yes", "--json", stdin=password)
    assert (ran.code, ran.objects[-1]["code"]) == (4, "binding_mismatch")
    assert made(embedded)[1] is None


def test_a_lost_answer_is_found_out_by_the_next_call(lockstep, embedded):
    """The secret was made and not bound; enrolling again says that it exists, and binds it."""
    words, password = options(embedded, HUAWEI)
    embedded.secrets_manager.faults.drop("CreateSecret", applied=True, times=9)
    ran = lockstep("enroll", NEW, *words, "--yes", "--json", stdin=password)
    assert (ran.code, ran.objects[-1]["code"]) == (1, "store_unavailable"), ran.out
    assert made(embedded)[1] is None
    again = lockstep("enroll", NEW, *words, "--yes", stdin=password)
    assert (again.code, "the secret exists, so it is not made" in again.err) == (0, True)
    assert made(embedded)[1] is not None


def test_a_terminal_is_asked_for_everything(embedded):
    """Keys, key of the host and consent; the password, here from the terminal as standard input, is not shown."""
    document = embedded.vendor_accounts[UCLOUD].document
    password = embedded.live(UCLOUD).reveal()
    answers = ["root", document["uhost_id"], password, "y", "y"]
    ours, theirs = os.openpty()
    words = [
        "enroll",
        NEW,
        "--driver",
        UCLOUD,
        "--set",
        f"region={document['region']}",
        "--set",
        f"zone={document['zone']}",
        "--password-stdin",
    ]
    with os.fdopen(ours, "r+b", buffering=0) as terminal:
        command = [sys.executable, "-m", "rotation.cli", *words]
        environment = os.environ | embedded.environment()
        pipes = {"stdin": theirs, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        with subprocess.Popen(command, env=environment, start_new_session=True, **pipes) as ran:
            os.close(theirs)
            terminal.write("".join(f"{each}\n" for each in answers).encode())
            out, err = ran.communicate(timeout=20)
    assert ran.returncode == 0, out + err
    assert "Is that its key?" in err
    assert password not in out + err
    assert json.loads(made(embedded)[0].dump().reveal())["host_key"] == document["host_key"]
