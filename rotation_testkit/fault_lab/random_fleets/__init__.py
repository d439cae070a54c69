"""Random schedules of everything that goes wrong, played by whole fleets in virtual time on the real engine.

A run is a *script*: a list of plain actions, made at random from a seed (``schedule.generate``) or written by hand. It
is played on simulated vendors, secrets and a rotation service (``play``). A ``Monitor`` for each account checks the
invariants after every effect. At the end the faults stop, and everything must heal (``play.settle``). For example::

    {"fleet": ["self"]}
    {"do": "attempt", "faults": [{"at": "set_password", "nth": 1, "kind": "lost"}]}
    {"do": "wait", "seconds": 600}

rotates one self-service account; the reset is applied and its answer lost. Ten minutes later the faults stop, the
service tries again, one login finds the candidate live, and the run ends with *current = live*.

What violates an invariant is shortened: actions and faults are left out while the same invariant still breaks
(``schedule.script.shortest``). The same seed plays the same schedules everywhere.
"""
