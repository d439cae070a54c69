"""What ``lockstep enroll`` would write for a document: fixtures bind their secrets by this, in one place."""

from __future__ import annotations

from collections.abc import Mapping

from rotation.core.clock import SystemClock
from rotation.core.document import SecretDocument
from rotation.core.errors import SettingsError
from rotation.deployment.binder import Binder
from rotation.deployment.deployment import Deployment
from rotation.state.binding import BindingMode
from rotation.stores.aws.secrets_manager import BINDING_TAG
from rotation.stores.vault_kv import BINDING_KEY


def binding_of(document: SecretDocument) -> str:
    """Return the text of the binding of a secret with this document, whatever its login ports are."""
    return _binder(document).binding(document).text()


def tagged(document: SecretDocument) -> dict[str, str]:
    """Return the tags of a secret in AWS that is enrolled where a deployment demands it by default.

    A document that a rotation refuses cannot be enrolled either, so it has none.
    """
    try:
        return {BINDING_TAG: binding_of(document)} if _is_demanded(document) else {}
    except SettingsError:
        return {}


def annotated(document: SecretDocument, custom: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the custom metadata of a secret in KV that is enrolled where that is demanded, with others."""
    return {**(custom or {}), **({BINDING_KEY: binding_of(document)} if _is_demanded(document) else {})}


def _is_demanded(document: SecretDocument) -> bool:
    deployment = Deployment(drivers=(document.text("driver"),))
    spec = deployment.load(document)
    return spec.admin_resets or deployment.binding_of(spec) is BindingMode.REQUIRED


def _binder(document: SecretDocument) -> Binder:
    def fetch(name: str) -> SecretDocument:
        raise LookupError(name)  # pragma: no cover - naming an account needs no admin credential

    code = document.text("driver")
    # With a key, since a driver of two ways names a pair of accounts for the one with a key only.
    deployment = Deployment(drivers=(code,), admin_secrets={code: "admin"}, trusted_values=True)
    return Binder(deployment=deployment, fetch=fetch, clock=SystemClock(), time_left=lambda: 60.0)
