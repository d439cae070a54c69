"""A canary that listens for secrets wherever a program can write."""
