"""What a commit writes: current's document as it is now, and from the candidate the rotation's own keys alone."""

from __future__ import annotations
