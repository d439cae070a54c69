"""The SAM template as data, and what it makes of an operator's parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from rotation_testkit.sandbox.sandbox import FUNCTION_ACCOUNT, REGION

PSEUDO = {
    "AWS::AccountId": FUNCTION_ACCOUNT,
    "AWS::NoValue": None,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": "lockstep",
    "AWS::URLSuffix": "amazonaws.com",
}
"""CloudFormation's own parameters, in the sandbox's account and region."""
Statement = dict[str, Any]


class Stack:
    """The template with some parameters; it resolves those of CloudFormation's functions that the template uses."""

    def __init__(
        self, template: dict[str, Any], pseudo: Mapping[str, str] = MappingProxyType({}), **given: str
    ) -> None:
        self.template = template  # ``pseudo`` may also say which names resources have got
        declared = template["Parameters"]
        defaults = {name: str(each["Default"]) for name, each in declared.items() if "Default" in each}
        self.parameters = PSEUDO | pseudo | defaults | given
        for name, value in given.items():
            for each in value.split(",") if declared[name]["Type"] == "CommaDelimitedList" else [value]:
                assert re.fullmatch(declared[name].get("AllowedPattern", ".*"), each, re.DOTALL), name
            assert len(value) <= declared[name].get("MaxLength", 4096), name
            assert value in declared[name].get("AllowedValues", [value]), name

    def resolved(self, node: Any) -> Any:
        """Return what a part of the template stands for; entries that are ``AWS::NoValue`` are left out."""
        if isinstance(node, list):
            return [value for each in node if (value := self.resolved(each)) is not None]
        if not isinstance(node, Mapping):
            return node
        if len(node) == 1 and (meaning := self._function(*next(iter(node.items())))):
            return meaning()
        return {key: value for key, each in node.items() if (value := self.resolved(each)) is not None}

    def _function(self, function: str, of: Any) -> Callable[[], Any] | None:
        meanings: dict[str, Callable[[], Any]] = {
            "Condition": lambda: self.resolved(self.template["Conditions"][of]),
            "Ref": lambda: self.parameters.get(of, of) if of in self.template["Resources"] else self._parameter(of),
            "Fn::GetAtt": lambda: ".".join(of) if isinstance(of, list) else of,
            "Fn::Sub": lambda: re.sub(r"\$\{([\w:.]+)\}", lambda found: self._named(found[1]), of),
            "Fn::If": lambda: self.resolved(of[1] if self.resolved(self.template["Conditions"][of[0]]) else of[2]),
            "Fn::Split": lambda: self.resolved(of[1]).split(of[0]),
            "Fn::Select": lambda: self.resolved(of[1])[of[0]],
            "Fn::Join": lambda: of[0].join(self.resolved(of[1])),
            "Fn::Equals": lambda: self.resolved(of[0]) == self.resolved(of[1]),
            "Fn::Not": lambda: not self.resolved(of[0]),
            "Fn::And": lambda: all(self.resolved(each) for each in of),
            "Fn::Or": lambda: any(self.resolved(each) for each in of),
        }
        return meanings.get(function) if isinstance(of, list | str) else None

    def _named(self, name: str) -> str:
        return name if name.partition(".")[0] in self.template["Resources"] else str(self.parameters[name])

    def _parameter(self, name: str) -> Any:
        value = self.parameters[name]
        is_list = self.template["Parameters"].get(name, {}).get("Type") == "CommaDelimitedList"
        return value.split(",") if is_list else value

    def properties(self, resource: str) -> dict[str, Any]:
        """Return a resource's properties."""
        return dict(self.resolved(self.template["Resources"][resource]["Properties"]))

    def environment(self) -> dict[str, str]:
        """Return the function's variables that are not empty."""
        variables = self.properties("RotationFunction")["Environment"]["Variables"]
        return {name: value for name, value in variables.items() if value}

    def statements(self, role: str = "RotationRole") -> list[Statement]:
        """Return the statements of a role, by default the rotation function's."""
        return list(self.properties(role)["Policies"][0]["PolicyDocument"]["Statement"])


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    """The template with CloudFormation's short forms written out."""
    return _parsed("template.yaml")


@cache
def _parsed(name: str) -> dict[str, Any]:
    from samcli.yamlhelper import yaml_parse  # takes long, and each worker collects these modules

    return dict(yaml_parse((Path(__file__).parents[2] / name).read_text()))


@pytest.fixture
def stack(template: dict[str, Any]) -> Callable[..., Stack]:
    """Return a function that makes the stack of an operator who gives some parameters."""
    return partial(Stack, template)


@pytest.fixture
def bindings_stack() -> Callable[..., Stack]:
    """Return a function that makes the stack that adds the right to bind secrets."""
    return partial(Stack, _parsed("examples/aws/bindings.yaml"))


@pytest.fixture
def example_stack() -> Callable[..., Stack]:
    """Return a function that makes the stack of the example secret."""
    return partial(Stack, _parsed("examples/aws/secret.yaml"))
