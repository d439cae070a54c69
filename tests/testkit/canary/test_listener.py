"""The canary as a plug-in: it fails a test for a secret in any place, and only where a secret shows."""

import re
import subprocess
import sys

import pytest

from rotation_testkit.canary.listener import is_telling

LEAKS = """
import base64, json, logging, os, shutil, subprocess, sys, tempfile, warnings
from pathlib import Path

import pytest

from rotation.core.errors import ConfigError
from rotation.drivers.network.http_messages import HttpRequest
from rotation.core.secret import Secret
from rotation_testkit.canary.canary import LIBRARIES
from rotation_testkit.processes.isolated_function import Invocation
from rotation_testkit.doubles.secretsmanager import Call
from rotation_testkit.doubles.vendor_api.call import Access

VALUE = 'Qu1et"horse/Battery+\\\\Stapl3'
IMPORTED = Secret(VALUE.swapcase())


def caught(error):
    with pytest.raises(type(error)):
        raise error


def caused(error):
    try:
        try:
            raise error
        except ValueError:
            raise KeyError("harmless") from None
    except KeyError as other:
        caught(other)


def run(text):
    subprocess.run([sys.executable, "-c", "", text], check=True)


def read_output(text):
    subprocess.run([sys.executable, "-c", "print(input())"], input=text, text=True, capture_output=True)


def removed_file(text):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "one").write_text(text)
        Path(folder, "one").unlink()


def childs_file(text):
    folder = tempfile.mkdtemp()
    subprocess.run([sys.executable, "-c", "open('one', 'w').write(input())"], input=text, text=True, cwd=folder)
    shutil.rmtree(folder)


def warn(text):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(text)


PLACES = {
    "log": lambda text: logging.getLogger("any").debug("%s", text),
    "library": lambda text: logging.getLogger("urllib3.connectionpool").debug("GET %s", text),
    "extra": lambda text: logging.getLogger("any").info("step", extra={"field": text}),
    "warning": warn,
    "output": print,
    "error output": lambda text: print(text, file=sys.stderr),
    "descriptor": lambda text: os.write(2, text.encode()),
    "error": lambda text: caught(ValueError(text)),
    "cause": lambda text: caused(ValueError(text)),
    "our error": lambda text: ConfigError(text),
    "URL": lambda text: HttpRequest(method="GET", url="https://vendor.example/?q=" + text),
    "access log": lambda text: Access(text, "ok", 0.0, "id"),
    "call log": lambda text: Call("PutSecretValue", "name", None, (text,), 0.0),
    "function": lambda text: Invocation(event={}, report={}, seconds=1.0, logs=text),
    "arguments": run,
    "process output": read_output,
    "removed file": removed_file,
    "child's file": childs_file,
}


def test_deafened():
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.CRITICAL)


@pytest.mark.parametrize("name", ["boto3.any", "paramiko.transport", "pypsrp.shell", "requests.any", "spnego._ntlm"])
def test_leak_of_a_library_that_was_silenced(name):
    Secret(VALUE)
    logging.getLogger(name).debug("step output: %s", VALUE)


@pytest.mark.parametrize("place", PLACES)
def test_leak(place):
    Secret(VALUE)
    PLACES[place](VALUE)


def test_leak_read_by_the_test(capsys):
    Secret(VALUE)
    print(VALUE)
    capsys.readouterr()


def test_leak_kept_file(tmp_path):
    Secret(VALUE)
    (tmp_path / "kept").write_text(VALUE)


def test_leak_in_a_document():
    Secret(json.dumps({"username": "alice", "password": VALUE}))
    print(VALUE)


def test_leak_before_it_was_a_secret():
    print(VALUE)
    Secret(VALUE)


def test_leak_of_a_running_child():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", VALUE])
    Secret(VALUE)
    child.kill()
    child.wait()


@pytest.fixture(scope="module")
def shared():
    return Secret(VALUE)


@pytest.mark.parametrize("turn", [1, 2])
def test_leak_from_a_shared_fixture(shared, turn):
    print(shared.reveal())


def test_leak_from_a_fixture_of_the_package(packed):
    print(packed.reveal())


@pytest.mark.shows_secrets("stdout", reason="on purpose")
def test_excused():
    Secret(VALUE)
    print(VALUE)


@pytest.mark.shows_secrets("stdout", reason="on purpose")
def test_leak_in_another_place_than_excused():
    Secret(VALUE)
    print(VALUE, file=sys.stderr)


def test_trivial():
    print(Secret("old-password").reveal())


def test_short():
    print(Secret("aB3$efg").reveal())


def test_imported():
    print(IMPORTED.reveal())


def test_late():
    for number in range(400):
        Secret(f"An0ther-{number:08}")
    print(Secret(VALUE[::-1]).reveal())


def test_twice():
    Secret(VALUE)
    print(base64.b64encode(base64.b64encode(VALUE.encode())).decode())


def test_botocore():
    Secret(VALUE)
    logging.getLogger("botocore.endpoint").debug("body: %s", VALUE)


def test_quiet():
    Secret("An0ther-" + VALUE)
    print(len(VALUE))
"""
PACKAGE = """
import pytest

from rotation.core.secret import Secret


@pytest.fixture(scope="package")
def packed():
    return Secret("Pack3d+" + "tRo0per-" * 2)
"""
ANOTHER = """
def test_leak_from_the_same_fixture_in_another_module(packed):
    print(packed.reveal())
"""
QUIET = {"test_deafened", "test_excused", "test_trivial", "test_quiet"}
OVERHEARD = {"test_short", "test_imported", "test_late", "test_twice", "test_botocore"}
"""What the README says is not looked for, or not heard."""


@pytest.mark.slow
def test_every_leak_is_caught_and_nothing_else(tmp_path):
    """Each leaking test fails when it is over, its report shows no value, and the others pass."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    for name, text in (("conftest", PACKAGE), ("test_inner", LEAKS), ("test_other", ANOTHER)):
        (tmp_path / f"{name}.py").write_text(text)
    options = (
        "-p",
        "rotation_testkit.canary.plugin",
        "-p",
        "no:cacheprovider",
        "--show-capture=no",
        "--disable-warnings",
        "-rEFp",
        "-q",
    )
    command = [sys.executable, "-m", "pytest", *options, "--strict-markers", "test_inner.py", "test_other.py"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    ended = re.findall(
        r"^(PASSED|ERROR|FAILED) test_(?:inner|other).py::(test\w+(?:\[.*?\])?)", ran.stdout, re.MULTILINE
    )
    passed = {name for outcome, name in ended if outcome == "PASSED"}
    caught = {name for outcome, name in ended if outcome == "ERROR"}
    assert [name for outcome, name in ended if outcome == "FAILED"] == []
    assert passed >= QUIET | OVERHEARD
    assert caught == passed - QUIET - OVERHEARD, ran.stdout
    assert len(caught) == 33
    assert "Qu1et" not in ran.stdout.replace("test_inner", "")


@pytest.mark.parametrize(
    ("value", "telling"),
    [
        ("aB3$efgh", True),
        ("aB3efgh", False),
        ("correct-horse-battery", True),
        ("correct-horse", False),
        ("AKIA0123456789ABCDEF", True),
        ("a" * 64, False),
        ("\ud800aB3$efgh", False),
        ("", False),
    ],
)
def test_what_a_person_could_have_thought_of_is_not_looked_for(value, telling):
    """A short or uniform value is not looked for: it would be found by chance."""
    assert is_telling(value) is telling
