"""Finds out what is wrong with a secret, and puts it right.

``examine`` looks and asks, ``repair`` carries its plan out, ``heal`` does both until there is nothing left to do. All
of it goes through the engine's ports, so that it serves every store and every driver. ``examine`` changes nothing but
what it writes down about wrong logins, durably, on the budget that rotations share.
"""

from __future__ import annotations

from rotation.doctor.advice import ANSWERS
from rotation.doctor.case import Case, Exhibit, Found, Value
from rotation.doctor.diagnosis import Action, Condition, Diagnosis, Verb
from rotation.doctor.heal import examine, heal, repair
from rotation.doctor.repairs import Outcome

__all__ = [
    "ANSWERS",
    "Action",
    "Case",
    "Condition",
    "Diagnosis",
    "Exhibit",
    "Found",
    "Outcome",
    "Value",
    "Verb",
    "examine",
    "heal",
    "repair",
]
