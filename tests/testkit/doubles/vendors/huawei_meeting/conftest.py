"""A simulated Huawei Meeting with two users, and requests by hand."""

import base64

import pytest
import requests  # noqa: TID251 - a client that is not ours

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendors.huawei_meeting.simulator import AppKey, HuaweiMeeting

WHO, OLD = "bob@corp1", "Old#Pass1"
# Made up for the golden vectors; no live app id has it.
VECTOR_KEY = AppKey("fdb8e4699586458bbd10c834872dcc62", Secret("APPKEYTEST"))


@pytest.fixture
def sim(clock):
    """A simulator with two users and the app key of the golden vectors."""
    simulator = HuaweiMeeting(clock=clock.now, credentials=VECTOR_KEY)
    simulator.add_account(WHO, Secret(OLD), name="Robert")
    simulator.add_account("eve@corp1", Secret(OLD))
    return simulator


@pytest.fixture
def send(url):
    """Send a request."""
    return lambda method, path, **options: requests.request(method, url + path, timeout=5, **options)


@pytest.fixture
def login(send):
    """Log in with account and password."""

    def call(password=OLD, account=WHO, **body):
        basic = base64.b64encode(f"{account}:{password}".encode()).decode()
        full = {"account": account, "clientType": 72, "createTokenType": 0, **body}
        return send("POST", "/v1/usg/acs/auth/account", json=full, headers={"Authorization": f"Basic {basic}"})

    return call


@pytest.fixture
def refusal():
    """Return status and code of a refusal."""
    return lambda answer: (answer.status_code, answer.json()["error_code"])
