"""Many secrets at once: how each of them is, by its labels alone; checks, rotations, and both as a function."""
