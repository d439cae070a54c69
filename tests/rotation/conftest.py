"""A driver's record for tests of the parts around drivers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from rotation.core.settings import setting
from rotation.core.values import Authority, Evidence
from rotation.drivers.contract import DriverSpec
from rotation.policy import Charset, PasswordPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class _Account:
    username: str = setting("Who.")


def _no_driver(wiring: object) -> Any:
    raise AssertionError(f"nobody asked for a driver with {wiring}")


@pytest.fixture
def make_spec() -> Callable[..., DriverSpec]:
    """A function that makes a record; keyword arguments replace its fields."""

    def make(**changes: Any) -> DriverSpec:
        fields: dict[str, Any] = {
            "code": "acme",
            "name": "Acme",
            "docs": "https://acme.example/docs",
            "authority": Authority.ADMIN,
            "evidence": Evidence.LOGIN,
            "endpoint": "https://api.acme.example",
            "endpoints": ("https://api.acme.example",),
            "account": _Account,
            "admin": None,
            "policies": {"any": PasswordPolicy(length=20, charsets=(Charset("lower", "abcdefghijklmnopqrstuvwxyz"),))},
            "factory": _no_driver,
            "source": "made up",
            "checked": "2026-11-01",
        }
        return DriverSpec(**{**fields, **changes})

    return make
