"""Plans the files of a new driver, from ``templates``: inside this checkout, or as a package of its own.

A file that is still to be written raises ``NotImplementedError`` or fails its test, with a sentence that names the file
and says what belongs there.
"""

from __future__ import annotations

import importlib
import importlib.util
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from string import Template

from rotation.core.errors import ConfigError
from rotation.drivers import families
from rotation.drivers.vendor_api import VendorApi

TEMPLATES = Path(__file__).parent / "templates"
_SIGNING = "tests/rotation/drivers/vendors/{code}/test_signing.py"
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")

CHECKOUT: Mapping[str, str] = {
    "rotation/drivers/vendors/{code}/__init__.py": "driver/__init__.py",
    "rotation/drivers/vendors/{code}/driver.py": "driver/driver.py",
    "rotation/drivers/vendors/{code}/error_codes.py": "driver/error_codes.py",
    "rotation/drivers/vendors/{code}/policy.py": "driver/policy.py",
    "rotation_testkit/doubles/vendors/{code}/__init__.py": "double/__init__.py",
    "rotation_testkit/doubles/vendors/{code}/simulator.py": "double/simulator.py",
    "rotation_testkit/doubles/vendors/{code}/second_opinion.py": "double/second_opinion.py",
    "rotation_testkit/doubles/vendors/{code}/sandbox.py": "double/sandbox.py",
    "tests/rotation/drivers/vendors/{code}/codes.toml": "tests/codes.toml",
    "tests/rotation/drivers/vendors/{code}/test_answers.py": "tests/test_answers.py",
    "tests/rotation/drivers/vendors/{code}/test_conformance.py": "tests/test_conformance.py",
    "tests/rotation/drivers/vendors/{code}/test_policy.py": "tests/test_policy.py",
    "tests/rotation/drivers/vendors/{code}/test_rotation.py": "tests/test_rotation.py",
    _SIGNING: "tests/test_signing.py",
    "tests/testkit/doubles/vendors/{code}/test_simulator.py": "tests/test_simulator.py",
    "docs/drivers/{code}.md": "docs/page.md",
    **{f"events/{{code}}/{step}.json": "docs/event.json" for step in STEPS},
}
"""Template by file, of a driver in the checkout."""
PACKAGE: Mapping[str, str] = {
    "pyproject.toml": "package/pyproject.toml",
    "src/{code}/__init__.py": "driver/__init__.py",
    "src/{code}/driver.py": "driver/driver.py",
    "src/{code}/error_codes.py": "driver/error_codes.py",
    "src/{code}/policy.py": "driver/policy.py",
    "src/{code}/simulator.py": "double/simulator.py",
    "tests/test_conformance.py": "tests/test_conformance.py",
}
"""Template by file, of a driver in a package of its own."""


def planned(code: str, family: str, *, package: bool) -> dict[Path, str]:
    """Return the new files of a driver, by their paths inside the checkout or the package.

    Args:
        code: the driver's code.
        family: what signs its calls: a module of ``rotation.drivers.families``, or the name of a new one.
        package: whether the driver is a package of its own.

    Raises:
        ConfigError: the family has no class that makes calls.
    """
    found = existing_api(family)
    new_api = f"{code}.api" if package else f"{families.__name__}.{family}", f"{_class_name(family)}Api"
    module, api = found or new_api
    driver = code if package else f"rotation.drivers.vendors.{code}"
    imported = f"from {driver}.driver import DRIVER\n"
    wanted = dict(PACKAGE if package else CHECKOUT)
    if found is None and package:
        wanted["src/{code}/api.py"] = "driver/api.py"
    elif found is None:
        wanted[f"rotation/drivers/families/{family}.py"] = "driver/api.py"
        wanted[f"tests/rotation/drivers/families/test_{family}.py"] = wanted.pop(_SIGNING)
    values = {
        "code": code,
        "title": _words(code),
        "class_name": _class_name(code),
        "package": f"rotation-driver-{code.replace('_', '-')}",
        "driver": driver,
        "driver_first": "" if package else imported,
        "driver_last": f"\n{imported}" if package else "",
        "gap": "\n" if package else "",
        "api_module": module,
        "api_class": api,
        "today": datetime.now(UTC).date().isoformat(),
        "token": str(uuid.uuid4()),
    }
    return {
        Path(path.format(code=code)): _filled(template, {**values, "file": Path(path).name, "step": Path(path).stem})
        for path, template in wanted.items()
    }


def write(files: Mapping[Path, str], folder: Path) -> None:
    """Write new files into a folder.

    Raises:
        ConfigError: one of them is there already; nothing was written.
    """
    there = sorted(str(path) for path in files if (folder / path).exists())
    if there:
        raise ConfigError(
            f"nothing was written, since there is {there[0]} already", hint="Remove this file, or choose another code."
        )
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def existing_api(family: str) -> tuple[str, str] | None:
    """Return module and class that make calls in a family of this checkout, or ``None`` where there is no such family.

    Raises:
        ConfigError: the family has none.
    """
    name = f"{families.__name__}.{family}"
    if importlib.util.find_spec(name) is None:
        return None
    for found in vars(importlib.import_module(name)).values():
        if isinstance(found, type) and issubclass(found, VendorApi) and found.__module__ == name:
            return name, found.__name__
    raise ConfigError(f"the family {family} makes no calls", hint="Name the family that signs the vendor's calls.")


def _filled(template: str, values: Mapping[str, str]) -> str:
    return Template((TEMPLATES / f"{template}.txt").read_text()).substitute(values)


def _words(code: str) -> str:
    return " ".join(word.capitalize() for word in code.split("_") if word)


def _class_name(code: str) -> str:
    return _words(code).replace(" ", "")
