"""Whole fleets in virtual time on the real engine: random schedules of everything that goes wrong, with invariants.

A run is a script, a list of plain actions (``script``), made up at random from a seed (``generate``) or written by
hand. It is played on simulated vendors, secrets and a rotation service (``world``, ``member``) while ``watch`` checks
the invariants after every effect, and ended by ``settle``: when the faults stop, everything must heal.
"""
