"""What UCloud's machine products (CompShare, UHost) share: calls, lifecycle, logins, password rules, return codes."""
