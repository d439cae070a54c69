"""The commands of ``lockstep`` that need the kit: demo, simulate, simulate-faults, invoke."""
