"""``lockstep`` in the test's own process, and an operator who puts another password into the store."""

import pytest

from rotation.core.document import SecretDocument
from rotation_testkit.processes.command_line import botocore_files, embedded, lockstep

__all__ = ["botocore_files", "embedded", "lockstep"]


@pytest.fixture
def put_by_hand(embedded):
    """Return a function that puts a version with another password, as an operator would."""

    def put(name, password):
        text = embedded.secrets_manager.value(name).reveal()
        other = SecretDocument.parse(text).replaced(password=password).dump().reveal()
        embedded.secrets_manager.call("PutSecretValue", SecretId=name, SecretString=other)

    return put
