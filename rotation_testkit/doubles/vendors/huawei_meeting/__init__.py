"""A simulator of Huawei Cloud Meeting."""
