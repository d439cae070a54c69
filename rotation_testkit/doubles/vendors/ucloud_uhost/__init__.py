"""A simulator of UCloud UHost."""
