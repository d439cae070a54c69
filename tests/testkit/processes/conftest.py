"""One warm process server for all kills of a worker."""

import pytest

from rotation_testkit.processes.isolated_function import start_fork_server


@pytest.fixture(scope="session", autouse=True)
def fork_server():
    """Have everything imported once."""
    start_fork_server()
