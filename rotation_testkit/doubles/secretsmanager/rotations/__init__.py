"""How Secrets Manager schedules and runs rotations."""
