"""Announces the events of one secret to every target that the deployment names.

What a target does not take stops nothing: the announcement is counted, and the target is left alone for the rest of the
run, so that a run waits for a target that is down once, a few seconds, after its own work is done.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from json import dumps
from pathlib import Path
from typing import Unpack

from rotation.core import settings
from rotation.core.clock import Clock
from rotation.core.document import SecretDocument
from rotation.core.errors import RotationError, SettingsError
from rotation.core.event import Details, Event, EventKind
from rotation.core.secret import Secret
from rotation.deployment.announcing.settings import Events
from rotation.deployment.binder import Binder

Send = Callable[[Event, bytes], None]
"""Hands an event and its JSON to a target; raises any exception if the target does not take it."""


@dataclass(slots=True, kw_only=True)
class Announcer:
    """Implements ``core.event.Announce`` for one secret and one run.

    Attributes:
        targets: by name.
        secret: returns the secret's name, which a store may know better after it has asked.
        driver: returns the driver's code, once it is known.
        clock: the run's clock.
        unheard: by target, why the first event that it did not take was not taken: an error's code or a type.
    """

    targets: dict[str, Send]
    secret: Callable[[], str]
    driver: Callable[[], str | None]
    clock: Clock
    unheard: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, binder: Binder, secret: Callable[[], str]) -> Announcer:
        """Return the announcer of a run, with the targets of its binder's deployment."""
        return cls(targets=_targets(binder), secret=secret, driver=lambda: binder.driver, clock=binder.clock)

    def __call__(self, kind: EventKind, token: str | None, **details: Unpack[Details]) -> bool:
        """Announce to all targets; return whether each has taken it."""
        if not self.targets:
            return True
        event = Event(
            kind=kind, secret=self.secret(), at=self.clock.now(), token=token, driver=self.driver(), **details
        )
        body = dumps(event.describe()).encode()
        taken = [self._hand(name, event, body) for name in self.targets]
        return all(taken)

    def _hand(self, name: str, event: Event, body: bytes) -> bool:
        if name in self.unheard:
            return False
        try:
            self.targets[name](event, body)
        except RotationError as error:
            self.unheard[name] = error.code
        except Exception as foreign:  # noqa: BLE001 - its text may hold the key, so only its type gets out
            self.unheard[name] = type(foreign).__name__
        return name not in self.unheard


def _targets(binder: Binder) -> dict[str, Send]:
    events, targets = binder.deployment.events, dict[str, Send]()
    # Each target brings what most deployments do without.
    if events.lines:
        from rotation.deployment.announcing.lines import Lines

        lines = Lines(place=events.lines)
        targets["lines"] = lambda event, body: lines.send(event.id, body)
    if events.bus:
        targets["bus"] = partial(_to_bus, events.bus, binder.time_left)
    if events.webhook:
        from rotation.deployment.announcing.webhook import Webhook

        webhook = Webhook(
            url=events.webhook,
            key=cache(partial(_key, events, binder.fetch)),
            clock=binder.clock,
            time_left=binder.time_left,
            ca_file=events.webhook_ca_file,
        )
        targets["webhook"] = lambda event, body: webhook.send(event.id, body)
    return targets


def _to_bus(bus: str, time_left: Callable[[], float], event: Event, body: bytes) -> None:
    from rotation.stores.aws.event_bus import EventBus  # brings boto3, which most faces do without

    EventBus(bus=bus, time_left=time_left).put(kind=event.kind.value, secret=event.secret, body=body)


def _key(events: Events, fetch: Callable[[str], SecretDocument]) -> Secret:
    """Return the webhook's key from the secret or the file that the deployment names."""
    if events.webhook_key_file:
        path = Path(events.webhook_key_file)
        settings.warn_if_shared(path, "events.webhook_key_file")
        return Secret(path.read_text(encoding="utf-8").strip())
    key = fetch(events.webhook_key_secret or "").get("key")
    if not isinstance(key, str):
        raise SettingsError("webhook key", ("the secret must hold it as the text `key`",))
    return Secret(key)
