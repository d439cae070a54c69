"""The two tables that decide: what a step does in each state, and what setSecret does next."""
