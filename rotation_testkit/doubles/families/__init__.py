"""What the simulated products of one vendor share: how a call is admitted, and how a refusal is phrased."""
