"""The JSON Schema for editors accepts what Lockstep accepts, and refuses what it refuses."""

import re
import tomllib
from pathlib import Path

import jsonschema
import pytest

from rotation.deployment.configuration import read
from rotation.deployment.deployment import SETTINGS
from rotation.deployment.schema import json_schema
from rotation.deployment.setting import Scope
from rotation.deployment.sources import File
from rotation.drivers import registry

ROOT = Path(__file__).parents[3]
VALIDATOR = jsonschema.Draft7Validator(json_schema(SETTINGS, registry.driver_codes()))


def files():
    """Return the configuration files that the documents and examples show."""
    shown = {"example": (ROOT / "examples/lockstep.toml").read_text()}
    for page in (*(ROOT / "docs").glob("*.md"), ROOT / "README.md"):
        blocks = re.findall(r"^```toml\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
        shown |= {f"{page.name}-{number}": block for number, block in enumerate(blocks)}
    return shown


def of_files(text):
    """Return whether the schema accepts a text, and whether Lockstep does."""
    tables = tomllib.loads(text)
    return VALIDATOR.is_valid(tables), not read(SETTINGS, {}, File(name="x", tables=tables)).faults


def test_the_schema_is_one() -> None:
    """It is a schema of the draft that it names."""
    jsonschema.Draft7Validator.check_schema(VALIDATOR.schema)


def test_there_are_files_to_check() -> None:
    """The example names built-in drivers alone; a new product need not stand in it."""
    assert {"settings.md-0", "vault-plugin.md-0"} <= set(files())
    assert set(tomllib.loads(files()["example"])["drivers"]) <= set(registry.driver_codes())


@pytest.mark.parametrize("name", files())
def test_every_file_that_a_page_shows_is_right(name) -> None:
    """By the schema and by Lockstep."""
    assert of_files(files()[name]) == (True, True)


@pytest.mark.parametrize(
    "text",
    [
        "drivers = 'acme'",
        "drivers = ['Acme']",
        "hosts = ['https://host']",
        "min_evidence = 'word'",
        "commit = 'soon'",
        "ssh_trust_on_first_use = 1",
        "windw = 'any'",
        "[driver.tencent_bm]\npropagation_seconds = 1000",
        "[driver.tencent_bm]\nlockout = '3'",
        "[driver.tencent_bm]\nlogin = 'host.example'",
        "[driver.tencent_bm]\nendpoint = ''",
        "[driver.tencent_bm]\nsecret_key = 'x'",
        "[vault]\nsecret_id = 'x'",
        "[vault]\nauth = 'ldap'",
    ],
)
def test_the_schema_refuses_what_lockstep_refuses(text) -> None:
    """An editor shows the fault before the operator deploys it."""
    assert of_files(text) == (False, False)


@pytest.mark.parametrize("setting", [each for each in SETTINGS if not each.secret], ids=lambda each: each.name())
def test_the_example_of_each_setting_is_right(setting) -> None:
    """The value that the page and the schema show for a setting is accepted, also as the text of its variable."""
    assert setting.form.read_toml(setting.example)[1] == ()
    tables = {setting.table: {setting.key: setting.example}} if setting.table else {setting.key: setting.example}
    if setting.scope is Scope.DRIVER:
        tables = {"driver": {"tencent_bm": {setting.key: setting.example}}}
    VALIDATOR.validate(tables)
    text = ",".join(setting.example) if isinstance(setting.example, list) else str(setting.example)
    assert setting.form.read_text(text) == setting.form.read_toml(setting.example)
