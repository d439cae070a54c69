"""The plug-in is one reproducible file, or a refusal that names the reason."""

import subprocess
import venv
import zipfile
from importlib.metadata import version

import pytest

from rotation.core.errors import ConfigError, MissingExtra
from vault_plugin.provision.build import build


def test_the_same_sources_give_the_same_bytes(built, tmp_path):
    """The file runs, holds our code without kit and command line, and started by hand it says what it is."""
    first, second = built, build(tmp_path / "two")
    assert first.sha256 == second.sha256
    assert first.libraries.keys() == {"grpclib", "protobuf", "cryptography", "requests"}
    names, steps = zipfile.ZipFile(first.path).namelist(), "rotation/engine/account/steps.py"
    assert {"__main__.py", steps, f"{steps}c", "vault_plugin/goplugin/tls.pyc"} <= {*names}
    assert not [name for name in names if name.startswith(("rotation_testkit/", "rotation/cli/", "vault_plugin/cli/"))]
    done = subprocess.run([first.path], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert "plug-in of Vault and OpenBao" in done.stderr


@pytest.mark.parametrize("python", ["python3", "/opt/with blank/python", "/" + 200 * "x"])
def test_an_interpreter_that_no_first_line_can_name_is_refused(tmp_path, python):
    """A path that is relative, has a blank, or is too long for the kernel is refused."""
    with pytest.raises(ConfigError):
        build(tmp_path / "plugin", python=python)
    assert list(tmp_path.iterdir()) == []


def test_without_a_library_nothing_is_written(tmp_path, monkeypatch):
    """The file would not run; what stood there before stays."""
    monkeypatch.setattr("vault_plugin.provision.build._LIBRARIES", ("requests", "no-such-library"))
    with pytest.raises(MissingExtra, match="no-such-library"):
        build(tmp_path / "plugin")
    assert list(tmp_path.iterdir()) == []


def test_the_libraries_are_those_of_the_interpreter_that_is_named(tmp_path):
    """One of this machine without them is refused by the first that lacks; one of another machine cannot be asked."""
    bare = tmp_path / "bare"
    venv.create(bare, with_pip=False)
    with pytest.raises(MissingExtra, match=r"grpclib, which .*/bare/bin/python3 does not have"):
        build(tmp_path / "plugin", python=str(bare / "bin" / "python3"))
    assert not (tmp_path / "plugin").exists()
    assert build(tmp_path / "plugin", python="/opt/nowhere/bin/python3").libraries == {}
    assert build(tmp_path / "plugin").libraries["grpclib"] == version("grpclib")


@pytest.mark.parametrize("where", ["", "a-file/plugin", pytest.param("no/such/folder/plugin", marks=pytest.mark.long)])
def test_a_plugin_that_cannot_be_written_is_an_error_with_a_hint(tmp_path, where):
    """A folder, a path below a file and a missing folder are refused with a hint, and no file is left."""
    (tmp_path / "a-file").touch()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ConfigError) as caught:
        build(tmp_path / where)
    assert caught.value.hint.startswith("Name ")
    assert sorted(tmp_path.rglob("*")) == before
