"""UCloud UHost: cloud servers whose own login an administrator resets while they are stopped."""
