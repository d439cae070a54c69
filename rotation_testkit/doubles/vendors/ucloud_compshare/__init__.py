"""A simulator of UCloud CompShare."""
