"""A simulator of Huawei Cloud IAM's users, tokens and account policies."""
