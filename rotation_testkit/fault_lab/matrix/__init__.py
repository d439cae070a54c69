"""The fault matrix: every fault, and every pair of faults, at every effect of a whole rotation, on the real engine.

A *world* is one secret, one vendor account and a clock, all in memory. A run is the service's behaviour: four steps,
all of them again after a failure, a day later once more. Every call to store, vendor and clock is a numbered *effect*,
and a *plan* says which effects meet which fault. ``matrix:admin_task/aws/600:17.after.crash+23.before.throttled`` is a
whole run in one line; ``python -m rotation_testkit.fault_lab.matrix --replay LINE`` tells its story.

* ``faults``: what can go wrong, and the lines.
* ``gate``: where it goes wrong; ``timeline``: virtual time and what arrives late.
* ``vendors``, ``rigs``: driver classes and stores, each with a state that can be saved, loaded and compared.
* ``world``: the service around the engine. ``invariants``: what must hold.
* ``explore``: all runs with n faults. ``references``: two algorithms to compare with.
* ``page``: the table in ``docs/faults.md``.
"""
