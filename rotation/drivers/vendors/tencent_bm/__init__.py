"""Tencent Cloud Blackstone: bare-metal devices whose password an administrator resets."""
