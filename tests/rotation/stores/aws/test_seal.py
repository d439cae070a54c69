"""A seal holds for one document under one version of one secret, by a key that a writer of values does not have."""

from __future__ import annotations

import re

import pytest

from rotation.core.document import Notes, SecretDocument
from rotation.core.secret import Secret
from rotation.core.values import Power
from rotation.stores.aws.seal import Seal, SealKeys

KEY, OTHER_KEY = "k" * 32, "o" * 32
ARN, VERSION = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:lockstep/a-AbCdEf", "v" * 36
DOCUMENT = SecretDocument.parse('{"driver": "acme", "username": "root", "password": "canary", "id": "é", "n": 1e3}')
BATCH = SecretDocument.parse('{"driver": "acme", "all": [{"id": 1, "password": "one"}, {"id": 2, "password": "two"}]}')


def seal(key: str = KEY, previous: str = "") -> Seal:
    """Return a seal with these keys."""
    return Seal(lambda: SealKeys(key=Secret(key), previous=Secret(previous)))


def stored(document: SecretDocument) -> SecretDocument:
    """Return the document as a store gives it back."""
    return SecretDocument.parse(document.dump().reveal())


@pytest.mark.parametrize("document", [DOCUMENT, BATCH, DOCUMENT.noting(Notes(power=Power.RUNNING, seal="1:former"))])
def test_a_sealed_document_holds_under_its_version_alone(document: SecretDocument) -> None:
    """Another version, another secret and another key do not; nor does the document before it was sealed."""
    sealed = stored(seal().put_on(document, arn=ARN, version_id=VERSION))
    assert seal().holds(sealed, arn=ARN, version_id=VERSION)
    assert not seal().holds(sealed, arn=ARN, version_id=VERSION[:-1] + "w")
    assert not seal().holds(sealed, arn=ARN[:-1] + "g", version_id=VERSION)
    assert not seal(OTHER_KEY).holds(sealed, arn=ARN, version_id=VERSION)
    assert not seal().holds(document, arn=ARN, version_id=VERSION)


@pytest.mark.parametrize(
    "change",
    [
        {"password": Secret("chosen")},
        {"username": "other"},
        {"driver": "other"},
        {"id": "e"},
        {"n": 1000.0},
        {"further": True},
        {"lockstep": "power=stopped"},
    ],
    ids=str,
)
def test_no_part_of_a_sealed_document_can_be_changed(change: dict[str, object]) -> None:
    """Every key is covered, and every note beside the seal."""
    sealed = seal().put_on(DOCUMENT.noting(Notes(power=Power.RUNNING)), arn=ARN, version_id=VERSION)
    changed = sealed.replaced(**change)
    if "lockstep" in change:
        changed = changed.noting(Notes(power=Power.STOPPED, seal=sealed.notes.seal))
    assert not seal().holds(stored(changed), arn=ARN, version_id=VERSION)


def test_each_account_of_a_batch_is_covered() -> None:
    """An entry with another password, or in another place, breaks the seal."""
    sealed = seal().put_on(BATCH, arn=ARN, version_id=VERSION)
    first, second = [{"id": 1, "password": Secret("one")}, {"id": 2, "password": Secret("two")}]
    for entries in ([first, {**second, "password": Secret("chosen")}], [second, first], [first]):
        assert not seal().holds(stored(sealed.replaced(all=entries)), arn=ARN, version_id=VERSION)


def test_the_key_before_still_checks_and_no_longer_makes() -> None:
    """A key is replaced in two steps, so that no running rotation is refused."""
    before = seal(OTHER_KEY).put_on(DOCUMENT, arn=ARN, version_id=VERSION)
    replaced = seal(KEY, previous=OTHER_KEY)
    assert replaced.holds(before, arn=ARN, version_id=VERSION)
    assert seal(KEY).holds(replaced.put_on(DOCUMENT, arn=ARN, version_id=VERSION), arn=ARN, version_id=VERSION)


@pytest.mark.parametrize(
    "note", ["", "seal=", "seal=1:", "seal=%ff%00", "seal=ä", "power=running", "x", "= =", {"seal": 1}, 7]
)
def test_whatever_is_noted_instead_of_a_seal_does_not_hold(note: object) -> None:
    """No form of the note raises, and none is taken for a seal."""
    assert not seal().holds(stored(DOCUMENT.replaced(lockstep=note)), arn=ARN, version_id=VERSION)


def test_the_form_of_a_seal_stays_what_it_is() -> None:
    """A release that computes it otherwise would refuse the candidates of running rotations."""
    note = str(seal().put_on(DOCUMENT, arn=ARN, version_id=VERSION)["lockstep"])
    assert re.fullmatch(r"seal=1:[0-9a-f]{32}", note)
    assert note == "seal=1:fc413394dfff99db909da910a45bc8cc"


def test_the_key_is_asked_for_only_when_there_is_something_to_check() -> None:
    """A value that an operator put has no seal, and reading it needs no key."""

    def nobody() -> SealKeys:
        raise AssertionError("the key was asked for")

    assert not Seal(nobody).holds(DOCUMENT, arn=ARN, version_id=VERSION)
