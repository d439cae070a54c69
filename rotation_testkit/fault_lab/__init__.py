"""Two programs that run the real engine with faults, in memory and virtual time, and check it by one set of rules.

* ``matrix``: every single fault and every pair of faults at every effect of one rotation, exhaustively.
* ``random_fleets``: random schedules of everything that goes wrong, with operators, parallel runs and outages.
* ``gate``: what a fault does to a call. ``invariants``: the promises I1 to I12. Both programs use them.
* ``in_memory``: the vendor, driver, secret and clock that both run on, and scenarios for single tests.
"""
