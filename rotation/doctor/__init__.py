"""Finds out what is wrong with a secret, and repairs it.

``examine`` looks and logs in, ``repair`` carries its plan out, ``heal`` does both until there is nothing left to do.
All of it goes through the engine's ports, so that it serves every store and every driver. ``examine`` changes nothing
but the charges of wrong logins, durably, on the budget that rotations share.
"""

from __future__ import annotations

from rotation.doctor.advice import ANSWERS
from rotation.doctor.diagnosis import Action, Condition, Diagnosis, Verb
from rotation.doctor.findings import Content, ExaminedVersion, Findings, PasswordState
from rotation.doctor.heal import examine, heal
from rotation.doctor.repairs import Outcome, repair

__all__ = [
    "ANSWERS",
    "Action",
    "Condition",
    "Content",
    "Diagnosis",
    "ExaminedVersion",
    "Findings",
    "Outcome",
    "PasswordState",
    "Verb",
    "examine",
    "heal",
    "repair",
]
