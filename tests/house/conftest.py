"""The SAM template as data."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def template():
    """The template with CloudFormation's short forms written out."""
    from samcli.yamlhelper import yaml_parse  # takes long, and each worker collects these modules

    return dict(yaml_parse((Path(__file__).parents[2] / "template.yaml").read_text()))
