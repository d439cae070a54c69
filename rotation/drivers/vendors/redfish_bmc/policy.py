"""Password rules of management controllers: the standard leaves them to the device, which tells its lengths.

A device does not tell its maker's other rules. HPE's iLO asks for three of four classes, Huawei's iBMC for a special
character and two more classes, Lenovo's firmware for a digit and two more classes: a candidate has all four, as any of
Lockstep's has. No page has a rule for the first character. Lenovo's also refuses three of one character in a row. That
rule is not here: Vault's password policies cannot say it, and would then fit no device. The driver adds it where the
device names Lenovo as its maker: Lockstep draws no such candidate then. one candidate of Vault's in 396 breaks it, and
is refused before it is sent.
"""

from rotation.policy import AtLeast, Name, PasswordPolicy, Source, charsets

DEFAULT = PasswordPolicy(
    name="redfish_bmc/default",
    length=16,
    min_length=8,
    max_length=40,
    charsets=charsets("!#%*+-_=."),
    classes=(AtLeast(3),),
    names=(Name("username", backwards=True),),
    sources=(
        Source(
            "HPE iLO, Password guidelines; Huawei iBMC, Complexity check; Lenovo ThinkSystem, User security",
            "read 2026-11-30",
            ("classes", "names"),
        ),
        Source(
            "Lockstep's own margin",
            "2026-11",
            ("length", "charsets"),
            note="DSP0268 has no rule but MinPasswordLength and MaxPasswordLength, which are read from the device; 16 "
            "characters are the most that IPMI 1.5 takes, for a device that names no maximum",
        ),
    ),
)

POLICIES = {"default": DEFAULT}
