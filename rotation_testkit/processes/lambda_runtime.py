"""The real Lambda runtime on this machine: AWS's runtime interface emulator and ``awslambdaric``, no container.

The emulator binary comes out of the aws-sam-cli wheel. The function sees what it would see in Lambda: its task root
first, then a stand-in for ``/var/runtime`` with awslambdaric and boto3 and their requirements, then the standard
library. Site-packages are off, so a package that the artefact lacks is missing here as it would be there.
"""

from __future__ import annotations

import http.client
import importlib.util
import json
import os
import platform
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path
from types import TracebackType
from typing import Any, Self

REGION = "eu-central-1"
FUNCTION_NAME = "lockstep-rotation"
_PATH = "/2015-03-31/functions/function/invocations"
_START_SECONDS = 20.0
_BROUGHT_BY_LAMBDA = ("awslambdaric", "boto3")


class RuntimeUnavailable(Exception):
    """The emulator or its runtime is not installed here, or did not start."""


@dataclass(frozen=True, slots=True)
class InvocationResult:
    """What one invocation returned.

    Attributes:
        payload: the function's result, or ``None`` when it failed.
        error: ``errorType`` and ``errorMessage`` of a failed function, else ``None``. A function that ran out of time
            has the type ``Sandbox.Timedout``, one whose process ended ``Runtime.ExitError``.
        logs: what the function and the emulator wrote to standard output during this invocation.
    """

    payload: Any
    error: Mapping[str, str] | None
    logs: str


class LambdaRuntime:
    """Run one function under the emulator until the block ends.

    Args:
        task_root: directory that becomes ``/var/task``: an unpacked artefact.
        handler: ``module.function``.
        env: the function's environment variables; nothing is inherited but ``PATH``.
        python: interpreter that runs the function, without its site-packages.
        site_packages: where ``awslambdaric`` and ``boto3`` for that interpreter are installed; this interpreter's own
            by default.
        timeout: seconds that one invocation may take.

    Raises:
        RuntimeUnavailable: on entering, when a part is missing or the emulator does not come up.
    """

    def __init__(  # noqa: PLR0913 - each is one independent choice with a default
        self,
        task_root: Path,
        handler: str = "rotation.handler.lambda_handler",
        *,
        env: Mapping[str, str] | None = None,
        python: str | Path = sys.executable,
        site_packages: Path | None = None,
        timeout: int = 60,
    ) -> None:
        self._task_root = task_root.resolve()
        self._handler = handler
        self._env = dict(env or {})
        self._python = str(python)
        self._site_packages = site_packages
        self._timeout = timeout
        self._scratch = tempfile.TemporaryDirectory(prefix="lambda-runtime-")
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._read = 0

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._end(self._process)
        self._scratch.cleanup()

    @property
    def pid(self) -> int:
        """The emulator's process id; the function's process is below it."""
        if self._process is None:
            raise RuntimeUnavailable("the emulator was not started")
        return self._process.pid

    @property
    def log_file(self) -> Path:
        """Standard output of function and emulator since the start."""
        return Path(self._scratch.name, "stdout")

    def invoke(self, event: object) -> InvocationResult:
        """Send one event, wait for its end and return what came back."""
        return self.invoke_raw(json.dumps(event).encode())

    def invoke_raw(self, body: bytes) -> InvocationResult:
        """Send a body that need not be JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._timeout + 10)
        try:
            connection.request("POST", _PATH, body)
            answer = connection.getresponse().read().decode()
        finally:
            connection.close()
        payload, error = _outcome(answer)
        return InvocationResult(payload, error, self._new_logs())

    def _start(self) -> None:
        runtime = Path(self._scratch.name, "runtime")
        link_runtime(runtime, self._site_packages)
        # Another process may take a port before the emulator starts; then the emulator ends at once.
        for _ in range(3):
            self._process = self._launch(runtime)
            if self._accepts(self._process):
                return
            self._end(self._process)
        said = Path(self._scratch.name, "stderr").read_text(errors="replace")[-500:]
        raise RuntimeUnavailable(f"the Lambda emulator did not come up: {said}")

    def _launch(self, runtime: Path) -> subprocess.Popen[bytes]:
        # Two free ports at once: the sockets are held together so that they differ.
        with socket.create_server(("127.0.0.1", 0)) as front, socket.create_server(("127.0.0.1", 0)) as back:
            self._port, api_port = front.getsockname()[1], back.getsockname()[1]
        command = [
            *(str(emulator_binary()), "--runtime-interface-emulator-address", f"127.0.0.1:{self._port}"),
            *("--runtime-api-address", f"127.0.0.1:{api_port}"),
            *(self._python, "-S", "-m", "awslambdaric", self._handler),
        ]
        with self.log_file.open("wb") as out, Path(self._scratch.name, "stderr").open("wb") as err:
            return subprocess.Popen(  # noqa: S603 - the emulator, from an installed wheel
                command,
                env=self._environment(runtime),
                cwd=self._task_root,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    def _environment(self, runtime: Path) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "TZ": ":UTC",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            # The emulator starts the function with these three, empty unless given. Published sample values of AWS.
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "AWS_LAMBDA_FUNCTION_NAME": FUNCTION_NAME,
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(self._timeout),
            **self._env,
            "LAMBDA_TASK_ROOT": str(self._task_root),
            "PYTHONPATH": os.pathsep.join((str(self._task_root), str(runtime))),
        }

    def _accepts(self, process: subprocess.Popen[bytes]) -> bool:
        deadline = time.monotonic() + _START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return True
        return False

    def _new_logs(self) -> str:
        with self.log_file.open("rb") as stream:
            stream.seek(self._read)
            new = stream.read()
        self._read += len(new)
        return new.decode(errors="replace")

    @staticmethod
    def _end(process: subprocess.Popen[bytes]) -> None:
        """On SIGTERM the emulator ends its runtime too; what is left of the group is killed."""
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=5)


def emulator_binary() -> Path:
    """Return the path of the emulator for this machine, without importing SAM.

    Raises:
        RuntimeUnavailable: aws-sam-cli is not installed, or has no emulator for this processor.
    """
    spec = importlib.util.find_spec("samcli")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeUnavailable("aws-sam-cli is not installed; it ships the Lambda runtime emulator")
    machine = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
    binary = Path(spec.submodule_search_locations[0], "local", "rapid", f"aws-lambda-rie-{machine}")
    if not binary.is_file():
        raise RuntimeUnavailable(f"this aws-sam-cli has no Lambda runtime emulator for {machine}")
    if not os.access(binary, os.X_OK):
        binary.chmod(0o755)
    return binary


def link_runtime(target: Path, site_packages: Path | None = None) -> None:
    """Fill ``target`` with links to awslambdaric, boto3 and what those two need, as ``/var/runtime`` has them.

    Raises:
        RuntimeUnavailable: one of the two is not installed.
    """
    search = [str(site_packages)] if site_packages else sys.path
    installed = {_canonical(found.name): found for found in distributions(path=search)}
    target.mkdir()
    waiting, done = list(_BROUGHT_BY_LAMBDA), set[str]()
    while waiting:
        name = waiting.pop()
        if name in done:
            continue
        done.add(name)
        if name in installed:
            _link(installed[name], target)
            waiting.extend(_needs(installed[name]))
        elif name in _BROUGHT_BY_LAMBDA:
            raise RuntimeUnavailable(f"{name} is not installed")


def _needs(found: Distribution) -> list[str]:
    """Return the names that a distribution requires without an extra; markers for other Pythons are ignored."""
    stated = [entry for entry in found.requires or () if "extra ==" not in entry]
    return [_canonical(re.split(r"[^A-Za-z0-9._-]", entry, maxsplit=1)[0]) for entry in stated]


def _link(found: Distribution, target: Path) -> None:
    for top in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
        link = target / top
        if not link.exists():
            link.symlink_to(Path(str(found.locate_file(top))).resolve())


def _canonical(name: str) -> str:
    return name.replace("_", "-").replace(".", "-").lower()


def _outcome(answer: str) -> tuple[Any, Mapping[str, str] | None]:
    """Distinguish a result from a failure: the emulator answers 200 to most failures and marks them in the body."""
    try:
        value = json.loads(answer)
    except ValueError:
        # Observed with the emulator of aws-sam-cli 1.170: a plain sentence, "Task timed out after 3.00 seconds".
        return None, {"errorType": "Sandbox.Timedout", "errorMessage": answer}
    if isinstance(value, dict) and "errorType" in value and "errorMessage" in value:
        return None, {"errorType": str(value["errorType"]), "errorMessage": str(value["errorMessage"])}
    return value, None
