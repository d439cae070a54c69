"""What a driver's test supplies to ``DriverConformance``: one account at a simulated vendor, and access to both."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from rotation.core import settings
from rotation.core.secret import Secret
from rotation.core.values import Authority, Observation, Verdict
from rotation.drivers.contract import Driver, DriverSpec, Observes, Verifies, Wiring
from rotation.drivers.network.http_door import HttpDoor
from rotation.drivers.registry import login_probe
from rotation.policy import Context, PasswordPolicy
from rotation_testkit.doubles.vendor_api.call import Captured
from rotation_testkit.doubles.vendor_api.faults import FaultPlan


@dataclass(kw_only=True)
class DriverHarness:
    """One account that can be rotated.

    Attributes:
        spec: the driver's record.
        endpoint: base URL of the served simulator.
        account: the account's own keys, as they stand in the rotated secret.
        admin: instance of ``spec.admin``, or ``None``.
        now: the simulator's clock.
        live: returns the password that the account accepts now.
        changes: returns how many changes took effect.
        grow_old: lets enough time pass that the password may be changed again.
        faults: the simulator's plan.
        captured: the requests that arrived, raw.
        change: the vendor's name of the call that changes the password.
        check: the vendor's name of the call that a check of a password makes.
        weak: a password that the vendor refuses by its rules.
        wrong_login_code: the vendor's code for "wrong password", where the driver itself logs in.
        unknown_code: a code that no table knows.
        temporary: makes a temporary key at the vendor and returns the admin credential with its session token; of a
            driver whose ``spec.admin`` has ``session_token``.
        variant: name of the account's policy where the record has several; ``None``: what the driver observes.
    """

    spec: DriverSpec
    endpoint: str
    account: Mapping[str, object]
    admin: Any
    now: Callable[[], float]
    live: Callable[[], Secret]
    changes: Callable[[], int]
    grow_old: Callable[[], None]
    faults: FaultPlan
    captured: list[Captured]
    change: str
    check: str
    weak: Secret
    wrong_login_code: str | None = None
    unknown_code: str = "987654321"
    temporary: Callable[[], Any] | None = None
    variant: str | None = None

    def driver(
        self,
        *,
        hosts: frozenset[str] | None = None,
        seconds_left: float = 60.0,
        call_seconds: float = 10.0,
    ) -> Driver:
        """Make the driver on a real ``HttpDoor``."""
        return self.spec.factory(self.wiring(hosts=hosts, seconds_left=seconds_left, call_seconds=call_seconds))

    def wiring(
        self, *, hosts: frozenset[str] | None = None, seconds_left: float = 60.0, call_seconds: float = 10.0
    ) -> Wiring:
        """Return what the driver is made from, on a real ``HttpDoor``."""
        door = HttpDoor(
            frozenset({urlsplit(self.endpoint).netloc}) if hosts is None else hosts,
            time_left=lambda: seconds_left,
            call_seconds=call_seconds,
            request_id_header=self.spec.request_id_header,
        )
        return Wiring(http=door, endpoint=self.endpoint, admin=self.admin, now=self.now)

    @property
    def loaded(self) -> Any:  # noqa: ANN401 - the spec's account class
        """The account as the driver receives it."""
        return settings.load(self.spec.account, self.account, where="secret")

    @property
    def policy(self) -> PasswordPolicy:
        """The policy of this account's variant."""
        policies = self.spec.policies
        if len(policies) == 1:
            return next(iter(policies.values()))
        return policies[self.variant or self.observation().variant]

    @property
    def context(self) -> Context:
        """What a candidate is checked against now."""
        return Context(username=str(self.account["username"]), previous=self.live())

    def set(self, new: Secret, driver: Driver | None = None) -> None:
        """Change the password once; a SELF driver proves itself by the live one."""
        current = self.live() if self.spec.authority is Authority.SELF else None
        (driver or self.driver()).set_password(self.loaded, new, current=current)

    def verdict(self, password: Secret, driver: Driver | None = None) -> Verdict:
        """Check a password as the engine would: by the driver, or by the shared probe."""
        driver = driver or self.driver()
        if isinstance(driver, Verifies):
            return driver.verify(self.loaded, password)
        seen = self.observation(driver)
        if seen.login is None or seen.login.kind not in self.spec.login_probes:
            raise AssertionError("this driver has no login check")
        return login_probe(seen.login.kind, time_left=lambda: 30.0).login(seen.login, password)

    def observation(self, driver: Driver | None = None) -> Observation:
        """Observe the target."""
        driver = driver or self.driver()
        assert isinstance(driver, Observes), "this driver cannot observe"
        return driver.observe(self.loaded)

    def every_character(self, policy: PasswordPolicy) -> Iterator[Secret]:
        """Yield passwords to set one after the other, until each character of the policy was in one of them.

        Characters other than letters and digits stand first, in the middle and last, where the policy allows it.
        """
        missing = set(policy.alphabet)
        signs = [char for char in policy.alphabet if not char.isalnum()]
        third = len(signs) // 3
        places = [(sign, signs[number - third], signs[number - 2 * third]) for number, sign in enumerate(signs)]
        while places or missing:
            drawn = self.password_with(*(places.pop() if places else ("", min(missing), "")), policy=policy)
            missing -= set(drawn.reveal())
            yield drawn

    def password_with(self, first: str, middle: str, last: str, *, policy: PasswordPolicy) -> Secret:
        """Draw a password of the policy with these characters, ``""`` for any, in these places where allowed."""
        context = self.context
        for _ in range(200):
            text = policy.generate(context).reveal()
            half = len(text) // 2
            head = text[0] if not first or first in policy.first_not else first
            tail = text[-1] if not last or last in policy.last_not else last
            candidate = Secret(head + text[1:half] + middle + text[half + 1 : -1] + tail)
            if not policy.problems(candidate, context):
                return candidate
        raise AssertionError("the policy allows no such password")

    def secrets(self) -> list[Secret]:
        """Return the secrets of the admin credential."""
        if self.admin is None:
            return []
        values = (getattr(self.admin, each.name) for each in dataclasses.fields(self.admin))
        return [value for value in values if isinstance(value, Secret) and value]
