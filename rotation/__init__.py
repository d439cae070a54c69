"""Lockstep rotates passwords behind vendors' reset APIs and keeps the secret store in lockstep with the vendor.

The names in ``__all__`` are the public API; ``docs/library.md`` shows how to use them. Each one is imported when it is
first used, because the Lambda function imports this package at every cold start.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rotation.core import errors
    from rotation.core.document import SecretDocument
    from rotation.core.errors import RotationError
    from rotation.core.secret import Secret
    from rotation.core.values import Evidence, Step
    from rotation.deployment.deployment import Deployment
    from rotation.engine.result import Result
    from rotation.engine.run import run, verify
    from rotation.engine.session import Session
    from rotation.policy import PasswordPolicy
    from rotation.state.store import Store

__version__ = "0.1.0"
"""The one home of the version: the package, the command line and the function's log lines read it here."""

__all__ = [
    "Deployment",
    "Evidence",
    "PasswordPolicy",
    "Result",
    "RotationError",
    "Secret",
    "SecretDocument",
    "Session",
    "Step",
    "Store",
    "errors",
    "run",
    "verify",
]

_MODULES = {
    "Deployment": "rotation.deployment.deployment",
    "Evidence": "rotation.core.values",
    "PasswordPolicy": "rotation.policy",
    "Result": "rotation.engine.result",
    "RotationError": "rotation.core.errors",
    "Secret": "rotation.core.secret",
    "SecretDocument": "rotation.core.document",
    "Session": "rotation.engine.session",
    "Step": "rotation.core.values",
    "Store": "rotation.state.store",
    "errors": "rotation.core.errors",
    "run": "rotation.engine.run",
    "verify": "rotation.engine.run",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(_MODULES[name])
    return module if name == "errors" else getattr(module, name)
