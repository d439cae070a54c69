"""Time cold starts of the packed function under the emulator, with and without its byte-code. Run by ``make bench``."""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from rotation_testkit.processes.lambda_runtime import LambdaRuntime

ROOT = Path(__file__).parents[2]
RUNS = 5


def _milliseconds(task_root: Path, python: Path, *, environment: dict[str, str]) -> float:
    """Start the function and send one malformed event: everything is imported, nobody is called."""
    site_packages = next(python.parents[1].glob("lib/python3*/site-packages"))
    with LambdaRuntime(task_root, env=environment, python=python, site_packages=site_packages) as runtime:
        started = time.perf_counter()
        result = runtime.invoke({})
        took = time.perf_counter() - started
    if result.error is None or result.error["errorType"] != "EventError":
        raise SystemExit(f"the function did not answer as expected: {result.error}")
    return took * 1000


def main() -> None:
    """Print the median of each kind as one line of JSON."""
    build = ROOT / ".aws-sam" / "local"
    python = ROOT / (build / ".interpreter").read_text().strip()
    with tempfile.TemporaryDirectory() as scratch:
        bare = Path(scratch, "bare")
        shutil.copytree(build / "RotationFunction", bare, ignore=shutil.ignore_patterns("__pycache__"))
        roots = {"with_byte_code_ms": build / "RotationFunction", "without_byte_code_ms": bare}
        # The runtime's own boto3 has byte-code in Lambda; here the first run makes it, and the timed ones make none.
        _milliseconds(build / "RotationFunction", python, environment={})
        timed = {"PYTHONDONTWRITEBYTECODE": "1"}
        times = {
            name: round(statistics.median(_milliseconds(root, python, environment=timed) for _ in range(RUNS)))
            for name, root in roots.items()
        }
    sys.stdout.write(json.dumps({"python": str(python.relative_to(ROOT)), "runs": RUNS, **times}) + "\n")


if __name__ == "__main__":
    main()
