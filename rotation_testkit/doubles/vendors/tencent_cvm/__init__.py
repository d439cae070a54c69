"""A simulator of Tencent CVM."""
