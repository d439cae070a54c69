"""Values, errors, secrets, settings and time, for all other packages. Imports the standard library only."""
