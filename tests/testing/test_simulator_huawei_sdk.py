"""The meeting simulator, driven by the vendor's own SDK. It speaks nothing but https: with a certificate made here."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests  # noqa: TID251 - what the SDK sends with
from huaweicloudsdkcore.exceptions.exceptions import SdkException, ServiceResponseException
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkmeeting.v1 import MeetingClient, ModPwdReqDTO, UpdatePwdRequest
from huaweicloudsdkmeeting.v1.meeting_credentials import AuthTypeEnum, MeetingCredentials

from rotation.secret import Secret
from rotation.testing._certificate import Certificate
from rotation.testing.faults import FaultKind
from rotation.testing.simulators.huawei_meeting import HuaweiMeeting

NAME, OLD, NEW = "alice@corp1", "Old-pass-1234", "New-pass-5678"
CHANGE, LOGIN = "PUT /v1/usg/acs/password", "POST /v1/usg/acs/auth/account"
LISTED = tomllib.loads((Path(__file__).parents[1] / "drivers" / "vendor_codes.toml").read_text())["huawei_meeting"]
CODES = [code for kind in ("RETRY", "WAIT", "PRECOND", "PERM", "AUTH", "AMBIG") for code in LISTED[kind]]
Change = Callable[..., Any]


@pytest.fixture
def sim() -> HuaweiMeeting:
    """A company with one account."""
    simulator = HuaweiMeeting()
    simulator.add_account(NAME, Secret(OLD))
    return simulator


@pytest.fixture
def change(sim: HuaweiMeeting, tmp_path: Path) -> Iterator[Change]:
    """Log in and change the password through the vendor's client, which keeps its token for all further calls."""
    certificate = Certificate("127.0.0.1")
    authority = tmp_path / "authority.pem"
    authority.write_bytes(certificate.pem)
    with ExitStack() as stack:
        url = stack.enter_context(sim.serve(tls=certificate.context(tmp_path)))

        def call(credentials: MeetingCredentials | None = None, **body: str) -> Any:
            config = HttpConfig(ssl_ca_cert=str(authority), timeout=(10, 10))
            who = credentials or MeetingCredentials(NAME, OLD).with_auth_type_enum(AuthTypeEnum.ACCOUNT)
            client = MeetingClient.new_builder().with_http_config(config).with_credentials(who)
            client = client.with_endpoint(url).build()
            http = client.get_http_client()
            stack.callback(http.executor.shutdown)
            stack.callback(http.close)
            full = {"account": NAME, "old_pwd": OLD, "new_pwd": NEW, **body}
            return client.update_pwd(UpdatePwdRequest(body=ModPwdReqDTO(**full)))

        yield call


def refusal(act: Change, **options: Any) -> tuple[int, str]:
    """Return status and code that the SDK raised."""
    with pytest.raises(ServiceResponseException) as caught:
        act(**options)
    return int(caught.value.status_code), str(caught.value.error_code)


def app(sim: HuaweiMeeting, key: str | None = None) -> MeetingCredentials:
    """The enterprise's app id, which speaks for the account."""
    app_key = sim.credentials.app_key.reveal() if key is None else key
    credentials = MeetingCredentials().with_auth_type_enum(AuthTypeEnum.APP_ID).with_user_id(NAME)
    return credentials.with_app_id(sim.credentials.app_id).with_app_key(app_key)


def test_login_and_change(change: Change, sim: HuaweiMeeting) -> None:
    """With the account's own password; a token is made first."""
    change()
    assert sim.live_password(NAME) == Secret(NEW)
    assert [line.operation for line in sim.requests] == [LOGIN, CHANGE]


def test_the_app_id_may_log_in(change: Change, sim: HuaweiMeeting) -> None:
    """With a signature in capitals and no X-Token-Type, as the SDK writes it."""
    change(app(sim))
    assert sim.live_password(NAME) == Secret(NEW)
    assert refusal(change, credentials=app(sim, "guess")) == (401, "USG.206010025")


def test_every_documented_code_arrives(change: Change, sim: HuaweiMeeting) -> None:
    """In answer to the change and, but for what only a change can be told, to the login; nothing is changed."""
    for code in CODES:
        change_alone = code.startswith("206030") and code not in ("206030000", "206030015")
        for operation in (CHANGE,) if change_alone else (LOGIN, CHANGE):
            sim.faults.add(operation, FaultKind.VENDOR_CODE, code=code)
            assert refusal(change)[1] == f"USG.{code}"
    assert sim.changes(NAME) == 0


@pytest.mark.parametrize("envelope", [("error_code", "error_msg"), ("errorCode", "errorMsg"), ("code", "message")])
def test_each_envelope_is_read(change: Change, sim: HuaweiMeeting, envelope: tuple[str, str]) -> None:
    """Which one the vendor sends is not documented; its SDK reads three."""
    sim.rules.envelope = envelope
    assert refusal(change, new_pwd="short")[1] == "USG.206030007"


def test_refusals_of_the_vendors_own(change: Change, sim: HuaweiMeeting) -> None:
    """A wrong password at login and as the old one, another's account, the minimum age, a used one."""
    wrong = MeetingCredentials(NAME, "guess").with_auth_type_enum(AuthTypeEnum.ACCOUNT)
    assert refusal(change, credentials=wrong) == (401, "USG.206010000")
    assert refusal(change, old_pwd="guess")[1] == "USG.206030006"
    sim.add_account("bob@corp1", Secret(OLD))
    assert refusal(change, account="bob@corp1")[1] == "USG.206030016"
    assert refusal(change, new_pwd=OLD)[1] == "USG.206030009"
    change()
    renewed = MeetingCredentials(NAME, NEW).with_auth_type_enum(AuthTypeEnum.ACCOUNT)
    assert refusal(change, credentials=renewed, old_pwd=NEW, new_pwd="Other-pass-9")[1] == "USG.206030011"


def test_a_stale_clock_is_told(change: Change, sim: HuaweiMeeting) -> None:
    """The SDK signs for ten minutes."""
    real = sim.clock
    sim.clock = lambda: real() + 601
    assert refusal(change, credentials=app(sim)) == (401, "USG.206010057")


def test_a_body_that_was_changed_on_its_way_is_refused(
    change: Change, sim: HuaweiMeeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The app id's signature covers who is spoken for."""
    send = requests.Session.send

    def tamper(session: requests.Session, prepared: requests.PreparedRequest, **options: Any) -> requests.Response:
        body = prepared.body
        prepared.body = body.replace("alice@corp1", "bobby@corp1") if isinstance(body, str) else body
        return send(session, prepared, **options)

    monkeypatch.setattr(requests.Session, "send", tamper)
    assert refusal(change, credentials=app(sim)) == (401, "USG.206010025")
    assert sim.changes(NAME) == 0


def test_a_lost_answer_is_no_answer(change: Change, sim: HuaweiMeeting) -> None:
    """The SDK raises, although the change took effect, and does not send again by itself."""
    sim.faults.add(CHANGE, FaultKind.DROP_AFTER)
    with pytest.raises(SdkException):
        change()
    assert (sim.live_password(NAME), sim.changes(NAME)) == (Secret(NEW), 1)
