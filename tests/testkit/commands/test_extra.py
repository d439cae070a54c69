"""Libraries that the kit's commands need."""

import importlib

import pytest

from rotation.core.errors import InternalError, MissingExtra
from rotation_testkit.commands.extra import kit_imports


@pytest.mark.parametrize(
    ("module", "error"), [("no_such_library", MissingExtra), ("rotation_no_module", InternalError)]
)
def test_a_library_that_is_not_installed_is_named_with_what_installs_it(module, error):
    """A missing library is the operator's to install; a missing module of our own is a fault of ours."""
    with pytest.raises(error) as caught, kit_imports():
        importlib.import_module(module)
    assert ("`make demo`" in str(caught.value.hint)) is (error is MissingExtra)
    assert caught.value.__context__ is None
