"""The meeting simulator, driven by the vendor's own SDK. It speaks nothing but https: with a certificate made here."""

from contextlib import ExitStack

import pytest
import requests  # noqa: TID251 - what the SDK sends with

from rotation.core.secret import Secret
from rotation_testkit.doubles.hosts.certificate import Certificate
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.doubles.vendors.huawei_meeting.simulator import HuaweiMeeting

NAME, OLD, NEW = "alice@corp1", "Old-pass-1234", "New-pass-5678"
CHANGE, LOGIN = "PUT /v1/usg/acs/password", "POST /v1/usg/acs/auth/account"


class Sdk:
    """The vendor's package, imported when it is used: each process that collects the tests would import 600 modules."""

    def __init__(self):
        from huaweicloudsdkcore.exceptions.exceptions import SdkException, ServiceResponseException
        from huaweicloudsdkcore.http.http_config import HttpConfig
        from huaweicloudsdkmeeting.v1 import MeetingClient, ModPwdReqDTO, UpdatePwdRequest
        from huaweicloudsdkmeeting.v1.meeting_credentials import AuthTypeEnum, MeetingCredentials

        self.failed, self.refused, self._auth = SdkException, ServiceResponseException, AuthTypeEnum
        self._config, self._client, self._credentials = HttpConfig, MeetingClient, MeetingCredentials
        self._body, self._request = ModPwdReqDTO, UpdatePwdRequest

    def account(self, password):
        """The account's own password."""
        return self._credentials(NAME, password).with_auth_type_enum(self._auth.ACCOUNT)

    def app(self, sim, key=None):
        """The enterprise's app id, which speaks for the account."""
        app_key = sim.credentials.app_key.reveal() if key is None else key
        credentials = self._credentials().with_auth_type_enum(self._auth.APP_ID).with_user_id(NAME)
        return credentials.with_app_id(sim.credentials.app_id).with_app_key(app_key)

    def client(self, url, authority, credentials):
        """A client that trusts one certificate, and logs in when it is first used."""
        config = self._config(ssl_ca_cert=str(authority), timeout=(10, 10))
        return (
            self._client.new_builder().with_http_config(config).with_credentials(credentials).with_endpoint(url).build()
        )

    def change(self, client, **body):
        """Change the password."""
        return client.update_pwd(self._request(body=self._body(**body)))

    def refusal(self, act, **options):
        """Return status and code that the SDK raised."""
        with pytest.raises(self.refused) as caught:
            act(**options)
        return int(caught.value.status_code), str(caught.value.error_code)


@pytest.fixture(scope="module")
def sdk():
    """See ``Sdk``."""
    return Sdk()


@pytest.fixture(scope="module")
def certificate():
    """The vendor's."""
    return Certificate("127.0.0.1")


@pytest.fixture
def sim():
    """A company with one account."""
    simulator = HuaweiMeeting()
    simulator.add_account(NAME, Secret(OLD))
    return simulator


@pytest.fixture
def connect(sim, sdk, certificate, tmp_path):
    """Make a client of the vendor, which logs in when it first changes a password and keeps its token from then on."""
    authority = tmp_path / "authority.pem"
    authority.write_bytes(certificate.pem)
    with ExitStack() as stack:
        url = stack.enter_context(sim.serve(tls=certificate.context(tmp_path)))

        def made(credentials=None):
            client = sdk.client(url, authority, credentials or sdk.account(OLD))
            http = client.get_http_client()
            stack.callback(http.executor.shutdown)
            stack.callback(http.close)
            body = {"account": NAME, "old_pwd": OLD, "new_pwd": NEW}
            return lambda **changes: sdk.change(client, **{**body, **changes})

        yield made


@pytest.fixture
def change(connect):
    """Log in and change the password with a client of its own."""
    return lambda credentials=None, **body: connect(credentials)(**body)


def test_login_and_change(change, sim):
    """The SDK logs in with the account's own password and then changes it."""
    change()
    assert sim.live_password(NAME) == Secret(NEW)
    assert [line.operation for line in sim.requests] == [LOGIN, CHANGE]


def test_the_app_id_may_log_in(change, sim, sdk):
    """The SDK's app login has a signature in capitals and no X-Token-Type; another key is refused."""
    change(sdk.app(sim))
    assert sim.live_password(NAME) == Secret(NEW)
    assert sdk.refusal(change, credentials=sdk.app(sim, "guess")) == (401, "USG.206010025")


def test_every_documented_code_arrives(connect, change, sim, sdk, documented):
    """Each code arrives in answer to the change and, where it can occur there, to the login; nothing is changed."""
    logged_in = connect()
    codes, _ = documented("huawei_meeting")
    for code in codes:
        sim.faults.add(CHANGE, FaultKind.VENDOR_CODE, code=code)
        assert sdk.refusal(logged_in)[1] == f"USG.{code}"
        change_alone = code.startswith("206030") and code not in ("206030000", "206030015")
        if not change_alone:
            sim.faults.add(LOGIN, FaultKind.VENDOR_CODE, code=code)
            assert sdk.refusal(change)[1] == f"USG.{code}"
    assert sim.changes(NAME) == 0


@pytest.mark.parametrize("envelope", [("error_code", "error_msg"), ("errorCode", "errorMsg"), ("code", "message")])
def test_each_envelope_is_read(change, sim, sdk, envelope):
    """The SDK reads code and message from three envelopes; which one the vendor sends is not documented."""
    sim.rules.envelope = envelope
    with pytest.raises(sdk.refused) as caught:
        change(new_pwd="short")
    assert (caught.value.error_code, caught.value.error_msg) == ("USG.206030007", "Invalid password length")


def test_a_stale_clock_is_refused(change, sim, sdk):
    """A signature of the SDK expires after ten minutes."""
    real = sim.clock
    sim.clock = lambda: real() + 601
    assert sdk.refusal(change, credentials=sdk.app(sim)) == (401, "USG.206010057")


def test_a_body_that_was_changed_on_its_way_is_refused(change, sim, sdk, monkeypatch):
    """The app id's signature covers the user that it logs in."""
    send = requests.Session.send

    def tamper(session, prepared, **options):
        body = prepared.body
        prepared.body = body.replace("alice@corp1", "bobby@corp1") if isinstance(body, str) else body
        return send(session, prepared, **options)

    monkeypatch.setattr(requests.Session, "send", tamper)
    assert sdk.refusal(change, credentials=sdk.app(sim)) == (401, "USG.206010025")
    assert sim.changes(NAME) == 0


def test_a_lost_answer_is_no_answer(change, sim, sdk):
    """The SDK raises, although the change took effect, and does not send again by itself."""
    sim.faults.add(CHANGE, FaultKind.DROP_AFTER)
    with pytest.raises(sdk.failed):
        change()
    assert (sim.live_password(NAME), sim.changes(NAME)) == (Secret(NEW), 1)
