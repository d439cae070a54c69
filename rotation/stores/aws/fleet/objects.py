"""JSON objects in an S3 bucket: what a fleet's runs leave behind. No object holds a value of a secret."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from rotation.core.errors import StoreDenied, StoreError, StoreUnavailable

T = TypeVar("T")
_DENIED = frozenset(
    {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "AllAccessDisabled"}
)
_LASTING = frozenset({"NoSuchBucket", "NoSuchKey", "InvalidBucketName", "PermanentRedirect"})


@dataclass(frozen=True, slots=True)
class Objects:
    """One bucket; ``client`` calls S3."""

    client: Any
    bucket: str

    def write(self, key: str, value: object) -> None:
        """Put an object.

        Raises:
            StoreError: it could not be put.
        """
        text = json.dumps(value, separators=(",", ":"))
        self._asked(lambda: self.client.put_object(Bucket=self.bucket, Key=key, Body=text.encode()))

    def read(self, key: str) -> Any:  # noqa: ANN401 - JSON
        """Return an object.

        Raises:
            StoreError: it is not there, or could not be read.
        """

        def get() -> bytes:
            body: bytes = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            return body

        return json.loads(self._asked(get))

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys that begin so, in order.

        Raises:
            StoreError: they could not be listed.
        """
        more: dict[str, str] = {}
        while True:
            page = self._asked(lambda: self.client.list_objects_v2(Bucket=self.bucket, Prefix=prefix, **more))  # noqa: B023 - called at once
            yield from (each["Key"] for each in page.get("Contents", ()))
            if not page.get("NextContinuationToken"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def _asked(self, call: Callable[[], T]) -> T:
        failure: StoreError
        try:
            return call()
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            kind = StoreDenied if code in _DENIED else StoreError if code in _LASTING else StoreUnavailable
            failure = kind(f"the bucket of fleets refused {error.operation_name}", vendor_code=code, hint=_HINT)
        except BotoCoreError as error:
            failure = StoreUnavailable(f"S3 could not be reached ({type(error).__name__})", hint=_HINT)
        raise failure


_HINT = "The stack makes the bucket, and grants the fleet's function its objects: compare both with template.yaml."
