"""Where events go: the table ``[events]`` of the configuration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rotation.deployment import forms
from rotation.deployment.configuration import Configuration
from rotation.deployment.setting import declare, declared

_TABLE = "events"
STREAMS = ("stdout", "stderr")


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """The table ``[events]``. Without it nothing is announced."""

    bus: str | None = declare(
        "bus",
        forms.pattern(
            r"arn:[a-z-]+:events:[a-z0-9-]+:[0-9]{12}:event-bus/[A-Za-z0-9._/-]{1,256}|[A-Za-z0-9._-]{1,256}",
            "must be the name or ARN of an event bus",
        ),
        "Name or ARN of the Amazon EventBridge bus that gets the events. This needs the right events:PutEvents.",
        table=_TABLE,
        otherwise="no bus",
        example="default",
    )
    webhook: str | None = declare(
        "webhook",
        forms.WEB_URL,
        "Address to which Lockstep posts each event, with a signature. It may appear in logs, so it has no query.",
        table=_TABLE,
        otherwise="no webhook",
        example="https://hooks.example/lockstep",
    )
    webhook_key_secret: str | None = declare(
        "webhook_key_secret",
        forms.SECRET_NAME,
        'Name or ARN of the secret with the signing key, `{"key":"whsec_…"}`; for the job over KV a path in the mount.',
        table=_TABLE,
        otherwise="a webhook needs this key or webhook_key_file",
        example="lockstep-webhook",
    )
    webhook_key_file: str | None = declare(
        "webhook_key_file",
        forms.ANY_TEXT,
        "File with the signing key.",
        table=_TABLE,
        otherwise="a webhook needs this key or webhook_key_secret",
        example="/run/secrets/lockstep-webhook",
    )
    webhook_ca_file: str | None = declare(
        "webhook_ca_file",
        forms.ANY_TEXT,
        "PEM file of the authorities for the webhook's certificate. It replaces the public authorities.",
        table=_TABLE,
        otherwise="the public authorities",
        example="/etc/ssl/corporate.pem",
    )
    lines: str | None = declare(
        "lines",
        forms.ANY_TEXT,
        "`stdout`, `stderr` or a file. Lockstep writes each event there as a line of JSON.",
        table=_TABLE,
        otherwise="no lines",
        example="/var/log/lockstep/events.jsonl",
    )

    @classmethod
    def of(cls, configuration: Configuration) -> Events:
        """Return what a configuration says; ``faults`` has what is wrong with it as a whole."""
        return cls(**{name: configuration.value(setting) for name, setting in declared(cls).items()})

    @property
    def targets(self) -> bool:
        """Whether any target is named."""
        return bool(self.bus or self.webhook or self.lines)

    def faults(self) -> Iterator[str]:
        """Yield what is wrong with settings that belong together."""
        keys = [name for name in ("webhook_key_secret", "webhook_key_file") if getattr(self, name)]
        if self.webhook and len(keys) != 1:
            yield "events.webhook needs one key: either events.webhook_key_secret or events.webhook_key_file"
        elif keys and not self.webhook:
            yield f"events.{keys[0]} needs events.webhook beside it"
