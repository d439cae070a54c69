"""``lockstep demo``: passwords rotate against local servers, shown on one screen."""
