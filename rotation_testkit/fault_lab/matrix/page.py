"""``docs/faults.md``, written from the runs themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from rotation.core.process.stop import GRACE_SECONDS
from rotation_testkit.fault_lab.gate import SLOW_SECONDS
from rotation_testkit.fault_lab.in_memory.clock import FUNCTION_SECONDS
from rotation_testkit.fault_lab.in_memory.effects import Port
from rotation_testkit.fault_lab.in_memory.vendor_classes import MATRIX_CLASSES
from rotation_testkit.fault_lab.invariants import PROMISES
from rotation_testkit.fault_lab.machine import JUMP_SECONDS
from rotation_testkit.fault_lab.matrix.plan import AROUND, FAULTS, OURS, Line
from rotation_testkit.fault_lab.matrix.runs.campaign import campaign
from rotation_testkit.fault_lab.matrix.runs.doctor_check import Cure
from rotation_testkit.fault_lab.matrix.runs.explore import End, Tally
from rotation_testkit.fault_lab.matrix.worlds.setups import (
    around_lines,
    lines,
    one_attempt_lines,
    reference_lines,
)
from rotation_testkit.fault_lab.matrix.worlds.world import ATTEMPTS, QUICK_ATTEMPTS

HEAD = (
    "driver class",
    "store",
    "spacing",
    "runs",
    "lost",
    "unreadable for a while",
    "stuck",
    "parked",
    "healed by doctor",
    "needs a human, said so",
    "premature commits",
    "most resets",
    "most wrong logins",
)


def cells(line: Line, tally: Tally) -> tuple[str, ...]:
    """Return one row."""
    return (
        line.driver,
        line.store,
        f"{line.spacing} s",
        f"{tally.runs:,}",
        f"{tally.ends[End.LOST]:,}",
        f"{tally.broken['I1']:,}",
        f"{tally.ends[End.STUCK]:,}",
        f"{tally.ends[End.PARKED]:,}",
        f"{tally.cures[Cure.HEALED]:,}",
        f"{tally.cures[Cure.HUMAN]:,}",
        f"{tally.broken['I2']:,}",
        str(tally.resets),
        str(tally.wrong_logins),
    )


ALONE_HEAD = ("driver class", "store", "runs", "ended well", "healed by doctor", "needs a human, said so", "neither")


def alone_cells(line: Line, tally: Tally) -> tuple[str, ...]:
    """Return one row of the runs after which only the doctor comes."""
    healed, human = tally.cures[Cure.HEALED], tally.cures[Cure.HUMAN]
    well = tally.ends[End.HEALED]
    counts = (tally.runs, well, healed, human, tally.runs - well - healed - human)
    return (line.driver, line.store, *(f"{count:,}" for count in counts))


def row(texts: Iterable[str]) -> str:
    """Return one line of a table."""
    return f"| {' | '.join(texts)} |"


def table(
    results: Sequence[tuple[Line, Tally]],
    head: tuple[str, ...] = HEAD,
    cells_of: Callable[[Line, Tally], tuple[str, ...]] = cells,
) -> str:
    """Return a table with its sum in the last row."""
    names = head.index("runs")
    ordered = sorted(results, key=lambda each: (list(MATRIX_CLASSES).index(each[0].driver), str(each[0])))
    rows = [row(head), row(["---"] * names + ["---:"] * (len(head) - names))]
    rows += [row(cells_of(line, tally)) for line, tally in ordered]
    total = Tally()
    for _, tally in results:
        total.add(tally)
    whole = cells_of(Line("", "all", "", 0), total)
    return "\n".join([*rows, row(["**all**", *[""] * (names - 1), *(f"**{text}**" for text in whole[names:])])])


def page(*, pairs: bool = True, jobs: int = 0, note: Callable[[str], None] = lambda _text: None) -> str:
    """Run everything and return the page.

    Args:
        pairs: whether to run Lockstep's own pairs, which takes minutes; otherwise the page says how to.
        jobs: processes; as many as there are cores when 0.
        note: takes lines about the progress.
    """
    tables = {}
    for algorithm, worlds in _worlds().items():
        for faults in (1, 2) if pairs or algorithm != OURS else (1,):
            results = []
            for line, tally in campaign(worlds, faults, jobs=jobs):
                results.append((line, tally))
                examples = {name: replace(line, plan=tally.examples[name]) for name in sorted(tally.broken)}
                broken = "".join(f", {name} broken by {example}" for name, example in examples.items())
                note(f"{line}, {faults} faults: {tally.runs} runs ({len(results)}/{len(worlds)}){broken}")
            tables[algorithm, faults] = table(results)
    alone = list(campaign(list(one_attempt_lines()), 1, jobs=jobs, attempts=1))
    around = list(campaign(list(lines()), 0, around=1, jobs=jobs))
    around_pairs = list(campaign(list(around_lines()), 1, around=1, jobs=jobs)) if pairs else []
    return _PAGE.format(
        alone=table(alone, ALONE_HEAD, alone_cells),
        around=table(around),
        around_pairs=table(around_pairs) if pairs else _NO_PAIRS,
        everywhere=", ".join(f"`{fault}`" for fault in AROUND[Port.READ]),
        outputs=", ".join(f"`{fault}`" for fault in AROUND[Port.WRITE] if fault not in AROUND[Port.READ]),
        jump=f"{JUMP_SECONDS / 60:g}",
        grace=f"{GRACE_SECONDS:g}",
        quick=QUICK_ATTEMPTS,
        minutes=_MINUTES,
        all_attempts=ATTEMPTS,
        seconds=f"{FUNCTION_SECONDS:g}",
        slow=f"{SLOW_SECONDS:g}",
        classes="\n".join(row((f"`{name}`", each.title)) for name, each in MATRIX_CLASSES.items()),
        faults="\n".join(
            row((f"`{port}`", ", ".join(f"`{fault}`" for fault in faults))) for port, faults in FAULTS.items()
        ),
        promises="\n".join(f"- **{name}** {text}" for name, text in PROMISES.items()),
        singles=tables[OURS, 1],
        pairs=tables.get((OURS, 2), _NO_PAIRS),
        gcs_singles=tables["generate_change_save", 1],
        gcs_pairs=tables["generate_change_save", 2],
        wal_singles=tables["write_ahead", 1],
        wal_pairs=tables["write_ahead", 2],
    )


def _worlds() -> dict[str, list[Line]]:
    worlds = {OURS: list(lines())}
    for line in reference_lines():
        worlds.setdefault(line.algorithm, []).append(line)
    return worlds


_MINUTES = 20
_NO_PAIRS = "Not in this edition of the page: `make test-faults` runs them, and `--page` without `--quick` lists them."
_PAGE = """\
# Faults

This page is generated: `python -m rotation_testkit.fault_lab.matrix --page > docs/faults.md`.

A rotation touches a store and a vendor several dozen times, and the process, the network, the store or the vendor can
fail before and after each of them. The fault matrix runs the real engine through **every single fault and every pair of
faults at every one of these effects**, for every class of driver and every store, in memory and in virtual time. After
each run it asks whether the live password can still be read, whether readers ever got a value that was not proved, and
how the run ended.

A run is what Secrets Manager does: four steps, the whole of them again after a failure, {quick} times at the spacing of
the run and then a day apart, {all_attempts} attempts in all. One invocation has {seconds} s. Faults also hit the
retries. Runs that reach the same state continue identically, so the matrix follows that state once and counts it for
each run.

`make test` runs the singles, `make test-faults` the pairs, which take two cores about {minutes} minutes. A run has a
name, and the name is enough to see it again:

    python -m rotation_testkit.fault_lab.matrix --replay matrix:admin_task/aws/600:17.after.crash+23.before.throttled

## What is tried

| driver class | |
| --- | --- |
{classes}

Stores: `memory`; `aws`, the adapter for Secrets Manager over the strict double; `vault`, the one for KV version 2 over
the strict model of a mount.

| effect | faults |
| --- | --- |
{faults}

`crash`: the process dies. `timeout`: the call hangs until the function's time-out kills the process. `error`: no
answer, before (not applied) or after (applied). `throttled`: a definite "not now". `slow`: no answer, applied {slow} s
later. `duplicate`: delivered twice, and the second answer arrives. `wrong`: an answer of the wrong class, such as
"wrong password" where nobody looked. `stale`: what was before the latest change. `lost`: success is said and nothing
happens. `cancelled`: an operator strips the pending label, and the next attempt is a new rotation. `parallel`: the
event is delivered once more, and that invocation runs to its end in the middle of this one.

What is around an effect fails, too: the process, its machine's clock, and what takes its output. At each effect these
faults are tried: {everywhere}; at `write`, which is an announced event or a line of the log, also
{outputs}.

`signal`: the process, that of a job, is asked to stop (SIGTERM, Ctrl-C), and has {grace} s to end what has begun.
`halt`: it is asked once more, cleans up and leaves. `ahead`, `behind`: the machine's clock is set by {jump} minutes,
and the store's goes on. `pipe`, `full`, `closed`: the reader has left, the disk is full, the output is closed.

No algorithm can survive a vendor that calls a dead password live, or that says yes where nothing can be asked
afterwards and does nothing; these two are left out.

## What must hold

{promises}

*Parked* runs stopped on purpose, with a reason or an error that says what a human must do. *Stuck* would be a run that
neither ended well nor was parked. Whatever did not end well is handed to `lockstep doctor`, again at each time that it
names: *healed by doctor* is proved against the vendor. *Unreadable for a while* counts the runs in which at some moment
no stored value opened the account. Faults that deliver a login or a change twice cost a wrong login of their own.

## Lockstep, every single fault

{singles}

## Lockstep, every single fault of what is around

{around}

## Lockstep, every single fault, and then nobody but the doctor

The service gives up after its first attempt, and no other rotation follows: what the fault left is what the doctor
finds.

{alone}

## Lockstep, every pair of faults

{pairs}

## Lockstep, every pair of a fault of an effect and one of what is around

{around_pairs}

## What the windows are held by

The catalogue of faults that this matrix grew from has 65 windows, W01 to W65. Each has a test with its mark in
`tests/fault_catalogue/`, but for those that are held where the thing itself is:

- **W36**, a batch that succeeds in part: `tests/rotation/engine/batch/test_batch*.py`, every account on its own.
- **W45**, a session left behind by a login check:
  `tests/rotation/drivers/vendors/huawei_meeting/test_conformance.py`, the simulator counts them.
- **W53**, a second store that is not updated: `tests/vault_plugin/test_mirror.py`, dying before and after each effect.

**W54**, replicas that lag, has tests there, too: a replica region that is late or fails does not fail the rotation,
and what its readers still get is AWSPREVIOUS, until the replica has caught up. Nothing here waits for replicas or
reports on them; `DescribeSecret` does.

## For comparison: two algorithms as they are published

Written for this page from their descriptions in a few lines each, and run over the same vendors and faults
(`rotation_testkit/fault_lab/matrix/worlds/references.py`). Their own store is one table. They are not the systems
themselves, which do more around it.

### Generate, change, save

The new value is only in memory until it is saved; each attempt draws another one.

Every single fault:

{gcs_singles}

Every pair of faults:

{gcs_pairs}

### Write-ahead log, dropped after a failed retry

The value is logged before the change, but an entry whose repetition is refused is taken for dead and dropped. A vendor
with history or minimum age refuses it *because* it was applied. There is no login, so a value can be committed before
it works.

Every single fault:

{wal_singles}

Every pair of faults:

{wal_pairs}
"""
