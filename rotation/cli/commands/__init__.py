"""The commands of ``lockstep`` that rotate, verify and examine, and those about drivers and policies."""
