"""Cold starts of the packed function under the Lambda runtime emulator, beside a ten-line function; and its memory.

The emulator starts the function's process when the first event arrives, so the wall time of that invocation runs from
process start to the first answer. Processor time is what the process has used by then, read from ``/proc``. All kinds
take turns in one run; the figures are ratios of medians, and only these may be compared between machines.

* *no vendor*: createSecret of a meeting account, five calls to Secrets Manager and none to the vendor.
* *https*: createSecret of a directory user, with three vendor calls. A rotation's first step is the one that usually
  meets a cold function.
* *ssh*: testSecret of a container, which looks at the vendor and logs in at a real SSH server on loopback.
* *https_set*, without a bound: setSecret of a directory user, four vendor calls and some fifteen to Secrets Manager.
* *ssh_create*, without a bound: createSecret of a container, one look at the vendor and a key exchange with its host.

For https the simulators are served once more over TLS, and the packed ``certifi`` gets the double's certificate beside
its own authorities.

Secrets Manager is the double over plain HTTP for all of them, the ten-line function included. A row beside them says
where the imports of the handler go, by top-level package, as ``-X importtime`` counts them; what is imported only when
it is needed (a driver, requests, SSH) is not in it.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench.calls import STEPS, Function
from bench.figures import Figure
from rotation.core.secret import Secret
from rotation_testkit.doubles.hosts.certificate import Certificate
from rotation_testkit.doubles.vendor_api.simulator import Simulator
from rotation_testkit.processes.lambda_runtime import LambdaRuntime, link_runtime
from rotation_testkit.sandbox.sandbox import FUNCTION_ARN, HUAWEI, UCLOUD, VOLCENGINE, Sandbox, open_sandbox

ROOT = Path(__file__).parents[1]
BUILD = ROOT / ".aws-sam" / "local"
RUNS = 7

TEN_LINES = """
import boto3

def handler(event, context):
    client = boto3.client("secretsmanager")
    found = client.describe_secret(SecretId=event["SecretId"])
    return {"name": found["Name"]}
"""
KINDS: Mapping[str, tuple[str, str, str]] = {
    "no_vendor": (HUAWEI, "createSecret", "a step that calls no vendor"),
    "https": (VOLCENGINE, "createSecret", "a step that calls a vendor over HTTPS"),
    "ssh": (UCLOUD, "testSecret", "a step with an SSH login"),
    "https_set": (VOLCENGINE, "setSecret", "a reset over HTTPS"),
    "ssh_create": (UCLOUD, "createSecret", "a look over HTTPS and an SSH key exchange"),
}
"""Account, the step that meets a cold function, and what it is."""


AT_ONCE: Mapping[str, str] = {f"LOCKSTEP_{UCLOUD.upper()}_PROPAGATION_SECONDS": "0"}
"""The steps follow one another without a pause, and a wait for the vendor is no part of a cold start."""


@dataclass(frozen=True, slots=True)
class Start:
    """One cold start, in seconds."""

    wall: float
    processor: float


@dataclass(slots=True)
class Bench:
    """The world, the packed function and the ten-line one.

    Attributes:
        started: the world; its clock is the real one.
        environment: of the packed function.
        packed: the artefact, with the double's certificate among the authorities.
        tiny: folder of the ten-line function.
        python: the interpreter that the artefact was packed for.
        starts: the cold starts so far, by kind.
    """

    started: Sandbox
    environment: dict[str, str]
    packed: Path
    tiny: Path
    python: Path
    starts: dict[str, list[Start]] = field(default_factory=dict)

    def runtime(self, root: Path, handler: str, *, writes_byte_code: bool = False) -> LambdaRuntime:
        """Return a function that has not been started."""
        kept = {} if writes_byte_code else {"PYTHONDONTWRITEBYTECODE": "1"}
        site_packages = next(self.python.parents[1].glob("lib/python3*/site-packages"))
        return LambdaRuntime(
            root, handler, env=self.environment | kept, python=self.python, site_packages=site_packages
        )

    def our_function(self) -> LambdaRuntime:
        """Return the packed function."""
        return self.runtime(self.packed, "rotation.handler.lambda_handler")

    def ten_lines(self, *, writes_byte_code: bool = False) -> Start:
        """Start the ten-line function once."""
        event = {"SecretId": self.started.accounts[HUAWEI]}
        with self.runtime(self.tiny, "tiny.handler", writes_byte_code=writes_byte_code) as runtime:
            return _first_answer(runtime, event)

    def step(self, kind: str) -> Start:
        """Rotate an account in this process, but for one step, which is a cold start of the packed function."""
        account, cold, _ = KINDS[kind]
        within, found = Function(self.started, AT_ONCE), list[Start]()

        def function(event: dict[str, object]) -> None:
            if event["Step"] != cold:
                within(event)
                return
            with self.our_function() as runtime:
                found.append(_first_answer(runtime, event))

        self.rotate(account, function)
        return found[0]

    def rotate(self, account: str, function: Callable[[dict[str, object]], None]) -> None:
        """Rotate with that function."""
        service = self.started.secrets_manager
        service.register_function(FUNCTION_ARN, function)
        rotation = service.rotate(self.started.accounts[account], function=FUNCTION_ARN)
        if rotation.failures:
            raise SystemExit(f"the rotation of {account} was to be a clean one: {rotation.failures}")

    def new_meeting_account(self, number: int) -> None:
        """Rotate another meeting account from here on: the vendor takes no two changes of one within five minutes."""
        first, user, name = Secret(f"First-Passw0rd-{number}!"), f"robot-{number}@example.com", f"{HUAWEI}-{number}"
        self.started.huawei.add_account(user, first)
        document = f'{{"driver": "{HUAWEI}", "username": "{user}", "password": "{first.reveal()}"}}'
        self.started.secrets_manager.create(name, document)
        self.started.accounts[HUAWEI] = name


def measure() -> Iterator[Figure]:
    """Yield the ratios, and the peak memory of four steps with an SSH login."""
    with ExitStack() as stack:
        bench = _opened(stack)
        # The runtime's own boto3 has byte-code in Lambda; here the first run makes it, and the timed ones make none.
        bench.ten_lines(writes_byte_code=True)
        for number in range(RUNS):
            bench.new_meeting_account(number)
            bench.starts.setdefault("ten_lines", []).append(bench.ten_lines())
            for kind in KINDS:
                bench.starts.setdefault(kind, []).append(bench.step(kind))
        memory = _peak_memory(bench)
    wall = {kind: statistics.median(each.wall for each in starts) for kind, starts in bench.starts.items()}
    processor = {kind: statistics.median(each.processor for each in starts) for kind, starts in bench.starts.items()}
    for name, times in (("wall", wall), ("cpu", processor)):
        floor = times["ten_lines"]
        for kind, (_, _, what) in KINDS.items():
            yield Figure(
                key=f"cold/{kind}/{name}",
                name=f"cold start, {what}, {'wall' if name == 'wall' else 'processor'} time",
                value=times[kind] / floor,
                unit="of ten lines",
                detail=f"{times[kind] * 1000:.0f} against {floor * 1000:.0f} ms",
            )
    yield imports()
    yield Figure(key="memory/ssh", name="peak memory, four steps with an SSH login", value=memory, unit="MiB")


def imports() -> Figure:
    """Return the milliseconds of importing the handler as it is packed, and the packages that take most of them."""
    python, spent = ROOT / (BUILD / ".interpreter").read_text().strip(), Counter[str]()
    with tempfile.TemporaryDirectory() as scratch:
        runtime = Path(scratch, "runtime")
        link_runtime(runtime, next(python.parents[1].glob("lib/python3*/site-packages")))
        path = os.pathsep.join((str(BUILD / "RotationFunction"), str(runtime)))
        for _ in range(2):  # the second finds the runtime's byte-code, which Lambda has
            done = subprocess.run(  # noqa: S603 - the artefact's interpreter
                [python, "-S", "-X", "importtime", "-c", "import rotation.handler"],
                env={"PYTHONPATH": path},
                capture_output=True,
                text=True,
                check=True,
            )
    for line in done.stderr.splitlines()[1:]:  # "import time:  self [us] | cumulative | imported package"
        own, _, name = line.removeprefix("import time:").split("|")
        spent[name.strip().partition(".")[0]] += int(own)
    most = ", ".join(f"{name} {micros / 1000:.0f}" for name, micros in spent.most_common(8))
    return Figure(
        key="cold/imports",
        name="importing the handler, by -X importtime",
        value=spent.total() / 1000,
        unit="ms",
        detail=most,
    )


def _opened(stack: ExitStack) -> Bench:
    scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    started = stack.enter_context(open_sandbox(holding=(UCLOUD, VOLCENGINE, HUAWEI), retry_delays=()))
    certificate = Certificate("127.0.0.1")
    (scratch / "tls").mkdir()
    environment = {**started.environment(), **AT_ONCE}
    simulators: dict[str, Simulator] = {UCLOUD: started.ucloud, VOLCENGINE: started.volcengine}
    for code, simulator in simulators.items():
        url = stack.enter_context(simulator.serve(tls=certificate.context(scratch / "tls")))
        environment[f"LOCKSTEP_{code.upper()}_ENDPOINT"] = url
        environment["LOCKSTEP_HOSTS"] += "," + url.removeprefix("https://")
    (scratch / "tiny").mkdir()
    (scratch / "tiny" / "tiny.py").write_text(TEN_LINES)
    python = ROOT / (BUILD / ".interpreter").read_text().strip()
    return Bench(started, environment, _trusting(scratch / "packed", certificate), scratch / "tiny", python)


def _trusting(target: Path, certificate: Certificate) -> Path:
    """Make the artefact again, of links, with one more authority in its ``certifi``."""
    target.mkdir()
    for entry in (BUILD / "RotationFunction").iterdir():
        if entry.name != "certifi":
            (target / entry.name).symlink_to(entry)
    shutil.copytree(BUILD / "RotationFunction" / "certifi", target / "certifi")
    with (target / "certifi" / "cacert.pem").open("ab") as authorities:
        authorities.write(b"\n" + certificate.pem)
    return target


def _first_answer(runtime: LambdaRuntime, event: object) -> Start:
    begin = time.perf_counter()
    result = runtime.invoke(event)
    wall = time.perf_counter() - begin
    if result.error is not None:
        raise SystemExit(f"the function did not answer as expected: {result.error}")
    used = (_process(runtime) / "stat").read_text().rpartition(")")[2].split()[11:13]
    return Start(wall, sum(map(int, used)) / os.sysconf("SC_CLK_TCK"))


def _peak_memory(bench: Bench) -> float:
    """Return the MiB that one process had at most while it ran the four steps of a container."""
    with bench.our_function() as runtime:
        steps: list[str] = []

        def function(event: dict[str, object]) -> None:
            steps.append(str(event["Step"]))
            error = runtime.invoke(event).error
            if error is not None:
                raise RuntimeError(error["errorMessage"])

        bench.rotate(UCLOUD, function)
        if steps != list(STEPS):
            raise SystemExit(f"four steps were to run: {steps}")
        status = (_process(runtime) / "status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


def _process(runtime: LambdaRuntime) -> Path:
    """Return the folder in ``/proc`` of the function's process, which the emulator started."""
    waiting = [runtime.pid]
    while waiting:
        folder = Path("/proc", str(waiting.pop()))
        if b"awslambdaric" in (folder / "cmdline").read_bytes().split(b"\0")[1:4]:
            return folder
        waiting.extend(
            int(child) for task in (folder / "task").iterdir() for child in (task / "children").read_text().split()
        )
    raise SystemExit("the emulator has no function's process")
