"""The SAM template as data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    """The template with CloudFormation's short forms written out."""
    from samcli.yamlhelper import yaml_parse  # takes long, and each worker collects these modules

    return dict(yaml_parse((Path(__file__).parents[2] / "template.yaml").read_text()))
