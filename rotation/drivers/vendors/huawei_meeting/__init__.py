"""Huawei Cloud Meeting: accounts that change their own password."""
