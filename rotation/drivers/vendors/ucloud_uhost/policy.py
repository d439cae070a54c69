"""Password rules of UHost instances, which are those of all of UCloud's machines."""

from rotation.drivers.families.ucloud_machines.policies import policies

POLICIES = policies("ucloud_uhost")
