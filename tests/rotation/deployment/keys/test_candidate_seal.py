"""The deployment names the secret with the key of the candidates' seals, or says that it wants none."""

from __future__ import annotations

import pytest

from rotation.core.document import SecretDocument
from rotation.core.errors import RotationError, SecretNotFound, SettingsError
from rotation.deployment.deployment import Deployment
from rotation.deployment.keys.candidate_seal import require_seal, seal_for

DOCUMENT = SecretDocument({"driver": "acme", "password": "canary"})
PLACE = {"arn": "arn", "version_id": "v"}


def deployment(seal_secret: str | None) -> Deployment:
    """Return a deployment that names this secret."""
    return Deployment(drivers=("acme",), seal_secret=seal_secret)


def test_off_makes_no_seals() -> None:
    """The deployment may do without; nothing is read."""
    assert seal_for(deployment("off"), lambda _: pytest.fail("read")) is None
    assert require_seal(deployment("off")) == "off"


def test_a_deployment_that_says_nothing_is_refused_where_a_candidate_is_made_or_checked() -> None:
    """The error names the variable and both choices."""
    with pytest.raises(SettingsError, match="LOCKSTEP_SEAL_SECRET") as caught:
        require_seal(deployment(None))
    assert "off" in caught.value.message
    made = seal_for(deployment(None), lambda _: pytest.fail("read"))
    assert made is not None
    with pytest.raises(SettingsError, match="LOCKSTEP_SEAL_SECRET"):
        made.put_on(DOCUMENT, **PLACE)


def test_the_key_is_read_from_the_secret_that_is_named() -> None:
    """What it makes holds, and the document's password is still there."""
    made = seal_for(deployment("seals"), lambda name: SecretDocument({"key": "k" * 32}) if name == "seals" else None)
    assert made is not None
    sealed = made.put_on(DOCUMENT, **PLACE)
    assert made.holds(sealed, **PLACE)
    assert sealed.password == DOCUMENT.password


@pytest.mark.parametrize(
    ("kept", "named"),
    [
        ({}, "key"),
        ({"key": "canary-short"}, "32"),
        ({"key": "canary" * 8, "previous": "canary"}, "previous"),
        ({"key": "canary" * 8 + "\n"}, "key"),
        ({"key": "canary" * 8, "other": "canary"}, "other"),
    ],
)
def test_a_key_that_cannot_be_used_is_named_and_not_shown(kept: dict[str, object], named: str) -> None:
    """The hint names the variable; the value is not quoted."""
    made = seal_for(deployment("seals"), lambda _: SecretDocument(kept))
    assert made is not None
    with pytest.raises(SettingsError, match=named) as caught:
        made.put_on(DOCUMENT, **PLACE)
    assert "LOCKSTEP_SEAL_SECRET" in caught.value.hint
    assert "canary" not in repr(caught.value.describe())


def test_a_secret_that_cannot_be_read_is_named() -> None:
    """The store's error stays what it is, with the place in front."""

    def missing(_: str) -> SecretDocument:
        raise SecretNotFound("the secret does not exist")

    made = seal_for(deployment("seals"), missing)
    assert made is not None
    with pytest.raises(RotationError, match="seal secret") as caught:
        made.put_on(DOCUMENT, **PLACE)
    assert caught.value.code == "secret_not_found"
