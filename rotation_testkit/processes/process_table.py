"""Linux's table of processes: the children of a process, and whether a process still runs."""

from __future__ import annotations

from pathlib import Path


def children(pid: int) -> list[int]:
    """Return the process ids of a process's children."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def newest_child(pid: int) -> int:
    """Return the process id of the child that started last."""
    return max(children(pid), key=lambda child: int(Path(f"/proc/{child}/stat").read_text().split()[21]))


def is_running(pid: int) -> bool:
    """Return whether a process exists and has not ended; a zombie, which no parent has waited for, has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
