"""Huawei Cloud IAM users: reset by an access key, or changed by the users themselves."""
