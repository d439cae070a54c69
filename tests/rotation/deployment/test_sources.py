"""Where the configuration file is found, and who may have written it."""

import os
import subprocess
import sys

import pytest

from rotation.core.errors import ConfigError
from rotation.deployment import sources
from rotation.deployment.deployment import Deployment

TEXT = 'drivers = ["acme"]\n'


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in an empty directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def drivers(**variables):
    """Return the drivers that a deployment reads."""
    return Deployment.from_environment(variables).drivers


def test_without_a_file_only_variables_count() -> None:
    """No file is needed."""
    assert sources.found({}) is None
    assert drivers(LOCKSTEP_DRIVERS="acme") == ("acme",)


def test_the_first_source_that_is_there_is_the_one_that_holds(folder) -> None:
    """The text goes before a file in the working directory, and so does a file that is named."""
    (folder / "lockstep.toml").write_text('drivers = ["here"]')
    (folder / "other.toml").write_text('drivers = ["named"]')
    assert drivers() == ("here",)
    assert drivers(LOCKSTEP_CONFIG="other.toml") == ("named",)
    assert drivers(LOCKSTEP_CONFIG_TEXT=TEXT) == ("acme",)
    assert drivers(LOCKSTEP_CONFIG="", LOCKSTEP_CONFIG_TEXT="") == ("here",)
    with pytest.raises(ConfigError, match="both LOCKSTEP_CONFIG_TEXT and LOCKSTEP_CONFIG are set"):
        drivers(LOCKSTEP_CONFIG="other.toml", LOCKSTEP_CONFIG_TEXT=TEXT)


def test_a_function_reads_the_file_in_its_package_and_not_in_its_working_directory(folder) -> None:
    """``LAMBDA_TASK_ROOT`` is where the function's code is."""
    package = folder / "task"
    package.mkdir()
    (folder / "lockstep.toml").write_text('drivers = ["here"]')
    with pytest.raises(ConfigError, match="names no driver"):
        drivers(LAMBDA_TASK_ROOT=str(package))
    (package / "lockstep.toml").write_text('drivers = ["packed"]')
    assert drivers(LAMBDA_TASK_ROOT=str(package)) == ("packed",)


@pytest.mark.parametrize("named", ["missing.toml", "."])
def test_a_file_that_is_named_must_be_there(named) -> None:
    """A wrong path is an error and never the same as no file."""
    with pytest.raises(ConfigError, match="cannot be read"):
        drivers(LOCKSTEP_DRIVERS="acme", LOCKSTEP_CONFIG=named)


def test_a_file_with_a_byte_order_mark_is_read(folder) -> None:
    """Some editors put one there."""
    (folder / "lockstep.toml").write_text(TEXT, encoding="utf-8-sig")
    assert drivers() == ("acme",)


def test_what_is_no_toml_is_named_by_its_place(folder) -> None:
    """The parser's own message may quote the text, so only the place is shown."""
    (folder / "lockstep.toml").write_text('a = "canary\n')
    with pytest.raises(ConfigError, match=r"lockstep\.toml is no valid TOML, at line 1, column") as caught:
        drivers()
    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None
    (folder / "lockstep.toml").write_bytes("a = 1".encode("utf-16"))
    with pytest.raises(ConfigError, match="no text in UTF-8"):
        drivers()


def test_a_file_that_any_user_may_write_is_not_read(folder) -> None:
    """It decides where admin credentials go; one that is named is the operator's word."""
    path = folder / "lockstep.toml"
    path.write_text(TEXT)
    path.chmod(0o666)
    with pytest.raises(ConfigError, match="any user may write it; it was not read"):
        drivers()
    assert drivers(LOCKSTEP_CONFIG="lockstep.toml") == ("acme",)
    path.chmod(0o644)
    assert drivers() == ("acme",)


def test_a_file_of_another_user_is_not_read(folder, monkeypatch) -> None:
    """A command that is run in a stranger's directory must not follow the stranger's file."""
    (folder / "lockstep.toml").write_text(TEXT)
    mine = (folder / "lockstep.toml").stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    if mine:
        with pytest.raises(ConfigError, match="another user's"):
            drivers()
    else:
        assert drivers() == ("acme",)


def test_a_deployment_without_a_file_does_not_load_the_parser(unmeasured) -> None:
    """Neither the parser, nor the search for near names, nor a client for SSM takes part in its cold start."""
    script = (
        "import sys; from rotation.deployment.deployment import Deployment;"
        "Deployment.from_environment({'LOCKSTEP_DRIVERS': 'acme', 'LOCKSTEP_ACME_WINDOW': 'any'});"
        "print([each for each in ('tomllib', 'difflib', 'rotation.stores.aws.parameter') if each in sys.modules])"
    )
    run = [sys.executable, "-c", script]
    done = subprocess.run(run, capture_output=True, text=True, check=True, timeout=60, env=unmeasured)
    assert done.stdout.strip() == "[]"
