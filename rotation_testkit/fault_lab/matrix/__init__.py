"""The fault matrix: every fault, and every pair of faults, at every effect of a whole rotation, on the real engine.

A *world* is one secret, one vendor account, one algorithm and a clock, all in memory. A *run* is what the service does
in it: four steps, all of them again after a failure, a day later once more. Every call to store, vendor and clock is
an *effect* with a number. A *plan* says which effects have which fault, and a *line* names a whole run::

    matrix:self/memory/600:14.after.error
           |    |      |   effect 14 is applied, and its answer is lost
           |    |      600 s between the service's attempts
           |    the store: memory, aws or vault
           the driver class

The search (``runs.explore``)
-----------------------------
All runs with at most n faults of a world form a tree: they share their invocations up to the first fault. The search
follows the tree invocation by invocation, and never follows the same state twice:

1. Save the world's state. Run the next invocation without a fault; keep the state before each of its effects.
2. For each effect and each fault that it can have, one more run begins here. If the fault is a death, nothing has
   to be run: what the next invocation finds is the state that was kept at that effect. Otherwise load the state of 1
   and run the invocation again with the fault; while faults are left, its later effects branch in the same way.
3. After each invocation, check the promises that must hold at every moment. Then do what the service does: go on with
   the next step, or wait and begin again. Go on with 1, with as many faults fewer as were spent.
4. Two runs that come to the same state with as many faults left go on in the same way. So what follows a state is
   counted once, in a *tally*, and added as often as the state is reached.
5. At the end of a run, check that it healed or parked; hand what did not heal to the doctor.

For example, a clean rotation in the world above has 33 effects, 15 of them in setSecret, where effect 14 is
``set_password``. Its fault ``after.error`` is tried like this: load the state before setSecret, run the step up to
there, deliver the request and raise ``OutcomeUnknown``. The promises hold: the candidate is stored, so the live
password is readable. The service waits 600 s and begins again. ``14.after.wrong`` (applied, and a page for an answer)
leaves the very same state, so the rest is followed once and counted twice. The 114 single faults of this setSecret
come to 31 different states. In this one a login finds the candidate live; the tally says *healed*, one reset, no wrong
login.

``python -m rotation_testkit.fault_lab.matrix --replay LINE`` prints the narrative of a run, effect by effect.

* ``plan``: which faults there are at each sort of effect; lines.
* ``worlds``: what runs are made in. ``account`` and ``backends``: the vendor's side and the stores, each with a state
  that can be saved and loaded. ``algorithm``: the protocols; ``lockstep`` and ``references`` are algorithms. ``world``:
  the service. ``checks``: when which promise is asked. ``setups``: the worlds by name.
* ``runs``: ``explore`` (the search), ``campaign`` (all worlds), ``doctor_check``, ``narrative``.
* ``page``: the tables of ``docs/faults.md``.
"""
