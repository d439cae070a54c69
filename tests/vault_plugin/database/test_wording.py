"""What the plug-in says names keys of a connection and options of a role, and nothing of the other faces."""

import re

import pytest

from rotation.core import errors
from rotation.core.errors import RotationError
from rotation.drivers.registry import driver_codes, load_driver
from rotation.engine.preconditions import UNFIT_HINT
from rotation.state.parking import PARKING
from vault_plugin.database.codes import as_grpc
from vault_plugin.database.wording import HINTS, reworded

FOREIGN = re.compile(
    r"LOCKSTEP_|of the deployment|AWS|createSecret|setSecret|testSecret|finishSecret|lockstep doctor|RotateSecret|ARN\b"
)
CLASSES = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, RotationError)]
UNHEARD = (errors.CandidateForeign,) if hasattr(errors, "CandidateForeign") else ()
"""Errors that only the store of Secrets Manager has."""


def texts():
    """Yield every hint and message that is data: of the error classes, of parked attempts, of the drivers' tables."""
    yield from (each.default_hint for each in CLASSES if each not in UNHEARD)
    yield from (each.hint for each in PARKING.values())
    yield UNFIT_HINT
    for code in driver_codes():
        for row in load_driver(code).error_table:
            yield from (row.meaning, row.hint)


def test_no_hint_names_a_variable_or_a_label_of_another_face():
    """Every hint of an error class, of a parked attempt and of a vendor's code is said in the plug-in's words."""
    assert [text for text in texts() if FOREIGN.search(reworded(text))] == []


@pytest.mark.parametrize(
    ("said", "reworded_to"),
    [
        ("Set LOCKSTEP_MIN_EVIDENCE to ACCEPTED.", "Set the connection's `minimum_evidence` to ACCEPTED."),
        ("LOCKSTEP_TENCENT_BM_ENDPOINT should be x.", "the connection's `endpoint` should be x."),
        ("Check user_id in the secret: the id.", "Check user_id in the role's options: the id."),
        ("the secret lacks `host_key`", "the role's options lack `host_key`"),
    ],
)
def test_names_inside_of_a_hint_are_replaced(said, reworded_to):
    """The rest of the hint stays."""
    assert reworded(said) == reworded_to


def test_an_error_reaches_the_server_in_these_words():
    """Message and hint of the status are reworded."""
    error = errors.HostNotAllowed("the host is not in LOCKSTEP_HOSTS")
    assert as_grpc(error).message == (
        "host_not_allowed: the host is not in the connection's `hosts`. Add the host to the connection's `hosts` if "
        "Lockstep may call it. Plain http is allowed on loopback only."
    )


def test_every_replacement_is_used():
    """A hint that changed its words would otherwise go out as it is."""
    assert set(HINTS) <= set(texts())
