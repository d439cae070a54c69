"""Password rules of management controllers: the standard leaves them to the device, which tells its lengths."""

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
            "Lockstep's own margin",
            "2026-11",
            ("length", "charsets", "classes", "names"),
            note="DSP0268 has no rule but MinPasswordLength and MaxPasswordLength, which are read from the device; 16 "
            "characters are the most that IPMI 1.5 takes, for a device that names no maximum",
        ),
    ),
)

POLICIES = {"default": DEFAULT}
