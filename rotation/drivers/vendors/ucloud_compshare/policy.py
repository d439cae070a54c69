"""Password rules of CompShare instances."""

from rotation.drivers.families.ucloud_machines.policies import CHARSETS, LENGTH, policies
from rotation.policy import AtLeast, PasswordPolicy, Source

CONTAINER = PasswordPolicy(
    name="ucloud_compshare/container",
    length=LENGTH,  # a container takes 32, a virtual machine 30; the kind of an instance may be found out late
    min_length=8,
    max_length=32,
    charsets=CHARSETS,
    classes=(AtLeast(2),),
    sources=(
        Source(
            "UCloud API documentation, ResetCompShareInstancePassword, parameter Password",
            "undated, read 2026-11",
            ("length", "charsets", "classes"),
        ),
    ),
)

POLICIES = {"container": CONTAINER, **policies("ucloud_compshare")}
