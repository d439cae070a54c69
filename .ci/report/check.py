"""Looks at the page of ``lockstep fleet report`` in a headless Chromium, with 0, 10 and 10,000 secrets.

.venv/bin/python .ci/report/check.py .venv/report/node_modules/axe-core/axe.min.js SCREENSHOTS

Checked are: no request goes out, axe-core finds no fault in light, dark and narrow, the rows are there without scripts,
a heading sorts them, and 10,000 secrets are painted within two seconds. The screenshots are for people. The browser is
driven by its own protocol over two pipes (Chromium 150, ``--remote-debugging-pipe``, read 2026-11).
"""

# ruff: noqa: INP001, T201 - a script of the build that prints its findings, and no module of a package

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rotation.cli.fleet.report import pieces
from rotation.core.values import Evidence
from rotation.stores.aws.fleet.fleet_secret import DAY, FleetSecret, Outcome

NOW = 1_790_000_000.0
SECONDS = 2.0
VIEWS = (("light", 1280), ("dark", 1280), ("light", 390))
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_AXE = "axe.run(document, {resultTypes: ['violations']}).then((found) => found.violations.map((each) => each.id))"
_CUT = """document.querySelectorAll(".all tbody tr:nth-child(n+201)").forEach((row) => row.remove())"""
"""Leaves axe-core the first 200 rows: 10,000 take it minutes, so that it looks at them all once."""
_SORT = """(() => {
  const button = document.querySelectorAll(".sortable th button")[4];
  const begin = performance.now();
  button.click();
  const took = performance.now() - begin;
  const ages = [...document.querySelectorAll(".sortable tbody td.n")].map((cell) => Number(cell.textContent));
  return [took, ages.every((age, at) => at === 0 || ages[at - 1] <= age)];
})()"""
_PAINTED = (
    """new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"""
)


class Browser:
    """One Chromium with one page."""

    def __init__(self, program: str, home: str) -> None:
        command_out, self._commands = os.pipe()
        self._answers, answer_in = os.pipe()
        script = f'exec {program} "$@" 3<&{command_out} 4>&{answer_in}'
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", f"--user-data-dir={home}"]
        self.process = subprocess.Popen(  # noqa: S603 - a program found on PATH
            ["/bin/sh", "-c", script, "sh", *options],
            pass_fds=(command_out, answer_in),
            stderr=subprocess.DEVNULL,
        )
        os.close(command_out)
        os.close(answer_in)
        self._ids, self._buffer, self.requests, self.session = itertools.count(1), b"", list[str](), ""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> Any:  # noqa: ANN401 - JSON
        """Send one command and return its result; events on the way are noted."""
        number = next(self._ids)
        message = {"id": number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        for answer in self._messages():
            if answer.get("id") == number:
                if "error" in answer:
                    raise SystemExit(f"the browser refused {method}: {answer['error']}")
                return answer["result"]
        raise SystemExit("the browser ended")

    def wait(self, event: str) -> None:
        """Wait for an event."""
        next(each for each in self._messages() if each.get("method") == event)

    def _messages(self) -> Iterator[Any]:
        while True:
            while b"\0" not in self._buffer:
                piece = os.read(self._answers, 1 << 20)
                if not piece:
                    return
                self._buffer += piece
            text, _, self._buffer = self._buffer.partition(b"\0")
            message = json.loads(text)
            if message.get("method") == "Network.requestWillBeSent":
                self.requests.append(message["params"]["request"]["url"])
            yield message

    def evaluate(self, expression: str) -> Any:  # noqa: ANN401 - JSON
        """Return what an expression stands for in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise SystemExit(f"the page failed: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def open(self, page: Path, *, scheme: str, width: int) -> None:
        """Open a page."""
        self.requests.clear()
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=1500, deviceScaleFactor=1, mobile=False)
        self.call("Page.navigate", url=page.as_uri())
        self.wait("Page.loadEventFired")

    def screenshot(self, file: Path) -> None:
        """Write what is seen."""
        file.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))


def secret(number: int) -> FleetSecret:
    """Return a secret in one of the states that there are; the mixture is the same every time."""
    dice = number * 7919 % 9973
    driver = ("ucloud_compshare", "tencent_bm", "volcengine_cloudidentity", "huawei_meeting", None)[dice % 5]
    reason = {3: "external_change", 4: "wrong_login_budget"}.get(dice % 31)
    return FleetSecret(
        name=f"lockstep/{driver or 'other'}/team-{'abcd'[dice % 4]}/application-{number:05}",
        arn=f"arn:aws:secretsmanager:eu-central-1:111122223333:secret:{number}-AbCdEf",
        driver=driver,
        outcome=Outcome.PARKED if reason else Outcome.COMMITTED,
        evidence=(Evidence.LOGIN, Evidence.LOGIN, Evidence.LOGIN, Evidence.READBACK, Evidence.ACCEPTED, None)[dice % 6],
        since=NOW - (dice % 250) ** 2 / 250 * DAY,
        next_rotation=NOW + (dice % 63 - 3) * DAY,
        enabled=True,
        function=None,
        reset_sent=False,
        reason=reason,
        not_before=NOW + 3600 if reason else None,
        pending=None,
    )


def findings(browser: Browser, page: Path, number: int, axe: str, shots: Path) -> Iterator[tuple[str, bool]]:
    """Yield each fact about one page and whether it holds."""
    for scheme, width in VIEWS:
        browser.open(page, scheme=scheme, width=width)
        painted = browser.evaluate(_PAINTED) / 1000
        where = f"{number} secrets, {scheme}, {width} px"
        yield f"{where}: painted after {painted:.2f} s", painted < SECONDS
        yield f"{where}: nothing is asked for outside", browser.requests == [page.as_uri()]
        browser.screenshot(shots / f"{number}-{scheme}-{width}.png")
    if number:
        took, ordered = browser.evaluate(_SORT)
        yield f"{number} secrets: sorted in {took / 1000:.2f} s", ordered and took < SECONDS * 1000
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(page, scheme="light", width=1280)
    browser.call("Emulation.setScriptExecutionDisabled", value=False)
    rows = browser.evaluate('document.querySelectorAll(".all tbody tr").length')
    yield f"{number} secrets: {rows} rows without scripts", rows == number
    for scheme, width in VIEWS:  # last, since it keeps the browser busy
        browser.open(page, scheme=scheme, width=width)
        whole = (scheme, width) == VIEWS[0]
        if not whole:
            browser.evaluate(_CUT)
        browser.evaluate(axe)
        faults = browser.evaluate(_AXE)
        looked = "" if whole else " in the first 200 rows and all else"
        yield f"{number} secrets, {scheme}, {width} px: axe-core finds {faults or 'nothing'}{looked}", faults == []


@contextmanager
def running(program: str) -> Iterator[Browser]:
    """A browser that is ended afterwards."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        browser = Browser(program, home)
        try:
            yield browser
        finally:
            browser.process.kill()
            browser.process.wait()


def main() -> int:
    """Check, and return the exit code."""
    axe, shots = Path(sys.argv[1]).read_text(encoding="utf-8"), Path(sys.argv[2])
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        print(f"Not checked: the page of `lockstep fleet report`; none of {', '.join(NAMES)} is here", file=sys.stderr)
        return 2
    shots.mkdir(parents=True, exist_ok=True)
    bad = 0
    with running(program) as browser:
        # The page's policy forbids other scripts than its own, and axe-core is one.
        browser.call("Page.setBypassCSP", enabled=True)
        for number in (0, 10, 10_000):
            page = shots / f"{number}.html"
            page.write_text("".join(pieces([secret(each) for each in range(number)], NOW)), encoding="utf-8")
            for said, holds in findings(browser, page.resolve(), number, axe, shots):
                bad += not holds
                print(f"{'ok ' if holds else 'BAD'} {said}")
    return 1 if bad else 0


if __name__ == "__main__":
    begin = time.monotonic()
    code = main()
    print(f"{time.monotonic() - begin:.0f} s")
    sys.exit(code)
