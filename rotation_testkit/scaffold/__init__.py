"""The files of a new driver, each with what is to be filled in: ``lockstep driver new``."""
