"""Writes into a built template that it can be deployed for one processor only: the one that the package is for.

.ci/pin_architecture.py .aws-sam/build/template.yaml arm64
"""

# ruff: noqa: INP001 - a script of the build, and no module of a package

from __future__ import annotations

import sys
from pathlib import Path

from samcli.yamlhelper import yaml_dump, yaml_parse


def pin(template: Path, architecture: str) -> None:
    """Leave one allowed value of the parameter ``Architecture``, which is also its default."""
    made = yaml_parse(template.read_text())
    made["Parameters"]["Architecture"] |= {"Default": architecture, "AllowedValues": [architecture]}
    template.write_text(yaml_dump(made))


if __name__ == "__main__":
    pin(Path(sys.argv[1]), sys.argv[2])
