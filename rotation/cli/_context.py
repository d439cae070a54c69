"""The Lambda runtime's context, as far as the handler uses it."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field


@dataclass(slots=True)
class FunctionContext:
    """See ``handler.LambdaContext``. ``deadline`` is on the monotonic clock."""

    deadline: float
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @classmethod
    def lasting(cls, seconds: float) -> FunctionContext:
        """Return the context of an invocation that may take so long from now."""
        return cls(time.monotonic() + seconds)

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the function is stopped."""
        return max(0, int((self.deadline - time.monotonic()) * 1000))
