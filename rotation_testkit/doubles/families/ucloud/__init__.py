"""What the simulators of UCloud's machine products share: the signed gateway, machines, power and resets."""
