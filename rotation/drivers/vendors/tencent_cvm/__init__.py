"""Tencent CVM: cloud servers whose users an administrator resets while they are stopped."""
