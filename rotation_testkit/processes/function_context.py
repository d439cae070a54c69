"""The Lambda context and the environment of the handler when a command runs it."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class FunctionContext:
    """See ``handler.LambdaContext``. ``deadline`` is on the monotonic clock."""

    deadline: float
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @classmethod
    def lasting(cls, seconds: float) -> FunctionContext:
        """Return the context of an invocation that may take ``seconds`` from now."""
        return cls(time.monotonic() + seconds)

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the function is stopped."""
        return max(0, int((self.deadline - time.monotonic()) * 1000))


def set_environment(variables: Mapping[str, str]) -> None:
    """Give this process these variables only: no profile, proxy or AWS file of the operator's."""
    os.environ.clear()
    os.environ.update(variables, AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull)


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set the environment as ``set_environment`` does, until the block ends."""
    before = dict(os.environ)
    set_environment(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
