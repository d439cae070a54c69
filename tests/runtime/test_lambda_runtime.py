"""The emulator harness itself, with tiny functions."""

import os
import time
from pathlib import Path

import pytest

from rotation_testkit.processes.lambda_runtime import LambdaRuntime, RuntimeUnavailable, emulator_binary, link_runtime

DOES_AS_ASKED = """
import importlib.util, os, sys

def handler(event, context):
    if "print" in event:
        print("got", event["print"])
    return {
        "echo": event,
        "quotient": 1 / event.get("divisor", 1),
        "found": [name for name in event.get("modules", []) if importlib.util.find_spec(name)],
        "first": sys.path[0],
        "variables": [os.environ.get(name) for name in event.get("variables", [])],
    }
"""


@pytest.fixture(scope="module")
def task_root(tmp_path_factory):
    """A function that keeps nothing from one event to the next."""
    root = tmp_path_factory.mktemp("task")
    (root / "tiny.py").write_text(DOES_AS_ASKED)
    return root


@pytest.fixture(scope="module")
def served(task_root):
    """That function under the emulator."""
    with pytest.MonkeyPatch.context() as caller:
        caller.setenv("LEAKED_IN_BY_MISTAKE", "yes")
        with LambdaRuntime(task_root, "tiny.handler", env={"GIVEN": "1"}, timeout=10) as runtime:
            yield runtime


def test_result_and_log_lines_come_back(served):
    """A result is the payload; what the function printed is in that invocation's logs and in no other's."""
    first, second = served.invoke({"print": 4}), served.invoke({"print": 5})
    assert first.payload["echo"] == {"print": 4}
    assert first.error is None
    assert "got 4" in first.logs
    assert "got 5" in second.logs
    assert "got 4" not in second.logs


def test_raised_exception_is_an_error(served):
    """An exception comes back as type and message, without a payload, and the function goes on serving."""
    failed, answered = served.invoke({"divisor": 0}), served.invoke({"divisor": 2})
    assert failed.payload is None
    assert failed.error == {"errorType": "ZeroDivisionError", "errorMessage": "division by zero"}
    assert answered.payload["quotient"] == 0.5


def test_body_that_is_no_json_never_reaches_the_function(served):
    """The runtime itself refuses a body that is not JSON."""
    result = served.invoke_raw(b"{")
    assert result.error["errorType"] == "Runtime.UnmarshalError"


def test_only_task_root_runtime_and_standard_library_are_importable(served, task_root):
    """The function finds boto3, but neither this project nor any package that only the tests' environment has."""
    names = ["boto3", "awslambdaric", "tiny", "rotation", "requests", "paramiko", "pytest"]
    seen = served.invoke({"modules": names}).payload
    assert seen["first"] == str(task_root)
    assert seen["found"] == ["boto3", "awslambdaric", "tiny"]


def test_environment_is_only_what_is_given(served):
    """Variables of the calling process do not leak into the function; given ones arrive."""
    names = ["LEAKED_IN_BY_MISTAKE", "GIVEN", "AWS_REGION"]
    assert served.invoke({"variables": names}).payload["variables"] == [None, "1", "eu-central-1"]


def test_two_runtimes_run_side_by_side(served, task_root):
    """Each runtime has ports of its own."""
    with LambdaRuntime(task_root, "tiny.handler") as other:
        assert other.invoke({"to": "other"}).payload["echo"] == {"to": "other"}
        assert served.invoke({"to": "one"}).payload["echo"] == {"to": "one"}


def test_process_exit_is_an_error_and_heals(function):
    """A function that dies yields Runtime.ExitError; the next invocation gets a new process."""
    source = "import os\ndef handler(event, context):\n    return os._exit(9) if event else os.getpid()\n"
    with function(source) as runtime:
        before, died, after = runtime.invoke(0), runtime.invoke(1), runtime.invoke(0)
    assert died.error["errorType"] == "Runtime.ExitError"
    assert after.error is None
    assert after.payload != before.payload


def test_time_out_ends_the_function(function):
    """A function that runs out of its time is stopped by the emulator and reported as timed out."""
    source = "import threading\ndef handler(event, context):\n    threading.Event().wait(30)\n"
    with function(source, timeout=1) as runtime:
        result = runtime.invoke({})
    assert result.error == {"errorType": "Sandbox.Timedout", "errorMessage": "Task timed out after 1.00 seconds"}


def test_no_process_is_left(function):
    """At the end of the block both the emulator and the function's process are gone."""
    with function("import os\ndef handler(event, context):\n    return [os.getpid(), os.getppid()]\n") as runtime:
        pids = runtime.invoke({}).payload
    deadline = time.monotonic() + 30  # the kernel and the function's new parent need a moment
    while any(map(runs, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in pids if runs(pid)]


def runs(pid):
    """Return whether a process runs; one that has ended may stay as a zombie."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_missing_runtime_is_said_so(tmp_path):
    """A site-packages directory without awslambdaric is a plain error, not a function that fails later."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(RuntimeUnavailable, match="is not installed"):
        link_runtime(tmp_path / "runtime", tmp_path / "empty")


def test_emulator_is_found_without_importing_sam():
    """The binary is an executable file of the installed wheel."""
    assert os.access(emulator_binary(), os.X_OK)
