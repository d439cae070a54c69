"""How the parts of a fleet play a script."""
