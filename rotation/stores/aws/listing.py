"""ListSecrets, page by page: everything about many secrets but their values.

One call in a hundred secrets returns names, tags, labels and the dates of rotations. The service's filters match
beginnings and fold tags' keys and values together, so the caller compares exactly what it asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rotation.stores.aws.failures import asked

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

PAGE = 100
_FILTERABLE = re.compile(r"[a-zA-Z0-9 :_@/+=.\-][a-zA-Z0-9 :_@/+=.\-!]{0,511}")
"""What a filter takes (API model of 2017-10-17, read 2026-11); a leading ``!`` would mean *not*."""


def listed(client: SecretsManagerClient, *, prefix: str = "", tags: tuple[tuple[str, str], ...] = ()) -> Iterator[Any]:
    """Yield the entry of every secret that is not marked for deletion; needs ListSecrets and no other right.

    Args:
        client: calls the service.
        prefix: what names begin with.
        tags: keys and values that a secret must have, all of them.

    Raises:
        StoreError: the secrets cannot be listed.
    """
    wanted = [("name", prefix), *(pair for key, value in tags for pair in (("tag-key", key), ("tag-value", value)))]
    filters = [{"Key": key, "Values": [value]} for key, value in wanted if _FILTERABLE.fullmatch(value)]
    request: dict[str, Any] = {"MaxResults": PAGE, **({"Filters": filters[:10]} if filters else {})}
    while True:
        answer: Any = asked(client, "*", lambda: client.list_secrets(**request))
        for entry in answer["SecretList"]:
            own = {each["Key"]: each.get("Value", "") for each in entry.get("Tags", ())}
            if entry["Name"].startswith(prefix) and all(own.get(key) == value for key, value in tags):
                yield entry
        if not answer.get("NextToken"):
            return
        request["NextToken"] = answer["NextToken"]
