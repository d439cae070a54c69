"""Words of the product that import nothing but the standard library: values, errors, secrets, settings, time."""
