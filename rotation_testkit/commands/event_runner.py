"""Run one event: in this process, or under the real Lambda runtime with the packed function."""

from __future__ import annotations

import io
import json
import logging
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

from rotation import handler
from rotation.core.errors import MissingExtra, RotationError
from rotation_testkit.processes.function_context import FunctionContext, environment
from rotation_testkit.processes.lambda_runtime import InvocationResult, LambdaRuntime, RuntimeUnavailable
from rotation_testkit.sandbox.sandbox import Sandbox

_PACKED = Path(".aws-sam", "local")
_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of one event.

    Attributes:
        result: what the function returned.
        error: code, message and hint of a failed step, else ``None``.
        logs: the lines that the function logged.
    """

    result: object = None
    error: Mapping[str, object] | None = None
    logs: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class EventRunner:
    """A way to run an event, and its description."""

    run: Callable[[object], Outcome]
    runtime: str
    code: str


def in_this_process(sandbox: Sandbox) -> EventRunner:
    """Run events in this process, with the real handler and an unmodified AWS client."""

    def run(event: object) -> Outcome:
        written = io.StringIO()
        # The function's logger keeps its first stream, which an earlier step may have set.
        for each in logging.getLogger("lockstep").handlers:
            if isinstance(each, logging.StreamHandler):
                each.setStream(written)
        result: object = None
        error: Mapping[str, object] | None = None
        with redirect_stdout(written), environment(sandbox.environment()):
            client = sandbox.secrets_manager.client()
            outside = handler.World(connect=lambda: client, environment=sandbox.environment(), clock=sandbox.clock)
            try:
                result = handler.handle(event, FunctionContext.lasting(_SECONDS), outside)
            except RotationError as failure:
                error = failure.describe()
        return Outcome(result=result, error=error, logs=tuple(written.getvalue().splitlines()))

    return EventRunner(run, "this process", "source tree")


@contextmanager
def emulated(sandbox: Sandbox) -> Iterator[EventRunner]:
    """Run events under the Lambda runtime interface emulator.

    Raises:
        MissingExtra: the emulator or its runtime is not installed here.
    """
    failure: MissingExtra
    with tempfile.TemporaryDirectory(prefix="lockstep-task-") as scratch:
        tree = "source tree (no fresh `make artefact`)"
        runtime, code = _packed(sandbox) or (_unpacked(sandbox, Path(scratch)), tree)
        try:
            runtime.__enter__()
        except RuntimeUnavailable as missing:
            failure = MissingExtra(str(missing), hint="`make invoke EVENT=...` installs it; or add --here.")
        else:
            try:
                yield EventRunner(lambda event: _outcome(runtime.invoke(event)), "Lambda runtime emulator", code)
            finally:
                runtime.__exit__(None, None, None)
            return
    raise failure


def _packed(sandbox: Sandbox) -> tuple[LambdaRuntime, str] | None:
    """Return the packed function if it is newer than all of its sources."""
    stamp = _PACKED / ".interpreter"
    task_root = _PACKED / "RotationFunction"
    if not stamp.is_file() or not task_root.is_dir() or _changed_since(stamp.stat().st_mtime):
        return None
    python = Path(stamp.read_text().strip())
    own = python.absolute().parent == Path(sys.prefix, "bin")
    site_packages = None if own else next(python.parents[1].glob("lib/python3*/site-packages"), None)
    runtime = LambdaRuntime(
        task_root, env=sandbox.environment(), python=python.absolute(), site_packages=site_packages, timeout=_SECONDS
    )
    return runtime, f"`sam build` artefact {task_root}"


def _changed_since(moment: float) -> bool:
    package = Path(handler.__file__).parent
    sources = [path for path in package.rglob("*.py") if path.relative_to(package).parts[0] != "cli"]
    sources += [path for path in (Path("template.yaml"), *Path("requirements").glob("lambda*.txt")) if path.is_file()]
    return any(path.stat().st_mtime > moment for path in sources)


def _unpacked(sandbox: Sandbox, task_root: Path) -> LambdaRuntime:
    """Return the function of the source tree, with links to every installed package."""
    package = Path(handler.__file__).parent
    (task_root / package.name).symlink_to(package)
    for installed in Path(sysconfig.get_path("purelib")).iterdir():
        link = task_root / installed.name
        if not link.exists():
            link.symlink_to(installed)
    return LambdaRuntime(task_root, env=sandbox.environment(), timeout=_SECONDS)


def _outcome(result: InvocationResult) -> Outcome:
    lines = tuple(result.logs.splitlines())
    if result.error is None:
        return Outcome(result=result.payload, logs=lines)
    raised = {"code": result.error["errorType"], "message": result.error["errorMessage"]}
    return Outcome(error=_logged_error(lines) or raised, logs=lines)


def _logged_error(lines: tuple[str, ...]) -> Mapping[str, object] | None:
    """Return the error of the log line: it has code and hint, where the runtime returns a class and a sentence."""
    for line in reversed(lines):
        if line.startswith("{"):
            try:
                error = json.loads(line).get("error")
            except ValueError:
                continue
            if isinstance(error, dict):
                return error
    return None
