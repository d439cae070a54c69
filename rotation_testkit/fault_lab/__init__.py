"""Fault injection: every single fault and every pair, and random schedules."""
