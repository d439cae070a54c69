"""Redfish: accounts of servers' management controllers (BMC), which an administrator's account resets."""
