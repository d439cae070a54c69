"""``lockstep driver new``: what it refuses, and what it writes."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from rotation.core.errors import ConfigError
from rotation_testkit.scaffold.new_driver import TEMPLATES, existing_api, planned, write


def test_every_template_is_used():
    """Each template is a file of a driver in the checkout or of one in a package."""
    used = len(planned("acme_vm", "acme", package=False)) - 3, len(planned("acme_vm", "acme", package=True))
    assert used == (18, 8)
    sources = (TEMPLATES.parent / "new_driver.py").read_text()
    names = [str(path.relative_to(TEMPLATES)).removesuffix(".txt") for path in TEMPLATES.rglob("*.txt")]
    assert [name for name in names if f'"{name}"' not in sources] == []


@pytest.mark.parametrize("package", [False, True])
def test_each_file_is_whole_python(package):
    """No placeholder of a template is left, and each module is Python."""
    for path, text in planned("acme_vm", "acme", package=package).items():
        assert "$" not in text, path
        if path.suffix == ".py":
            ast.parse(text)


def test_a_driver_of_a_known_family_signs_by_it():
    """The driver imports the family's class, and no file is about signing beside its golden signatures."""
    files = planned("acme_mail", "volcengine", package=False)
    driver = files[Path("rotation/drivers/vendors/acme_mail/driver.py")]
    assert "from rotation.drivers.families.volcengine import Volcengine\n" in driver
    assert Path("tests/rotation/drivers/vendors/acme_mail/test_signing.py") in files
    assert not [path for path in files if "families" in path.parts]


def test_a_new_family_is_begun():
    """Its module and the test of its signatures are new files, and the driver imports it."""
    files = planned("acme_mail", "acme", package=False)
    assert {str(path) for path in files if "families" in path.parts} == {
        "rotation/drivers/families/acme.py",
        "tests/rotation/drivers/families/test_acme.py",
    }
    assert "AcmeApi" in files[Path("rotation/drivers/vendors/acme_mail/driver.py")]


def test_a_module_of_families_that_makes_no_calls_is_none():
    """What machines of a vendor share signs nothing, so a driver cannot begin with it."""
    with pytest.raises(ConfigError, match="makes no calls"):
        existing_api("ucloud_machines")


def test_nothing_is_overwritten(tmp_path):
    """Where one of the files exists, none is written."""
    files = planned("acme_mail", "acme", package=True)
    (tmp_path / "pyproject.toml").write_text("mine")
    with pytest.raises(ConfigError, match=re.escape("pyproject.toml")):
        write(files, tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["pyproject.toml"]
