"""The kit's public names."""

import ast
import inspect

from rotation_testkit import api


def test_every_imported_name_is_public_and_the_list_is_sorted():
    """``__all__`` holds exactly the names that the module imports, constants first, then classes, then functions."""
    imports = [node for node in ast.parse(inspect.getsource(api)).body if isinstance(node, ast.ImportFrom)]
    names = {alias.name for node in imports for alias in node.names if node.module != "__future__"}
    kinds = [sorted(filter(kind, names)) for kind in (str.isupper, lambda name: not name.isupper())]
    assert api.__all__ == [name for kind in kinds for name in kind]


def test_the_names_that_the_guide_promises_are_there():
    """The names that the guide uses can be imported from ``api``."""
    promised = {"DriverConformance", "DriverHarness", "FaultPlan", "Simulator", "StoreConformance", "overrides"}
    assert promised <= set(api.__all__)
