"""A simulator of Tencent Cloud Blackstone."""
