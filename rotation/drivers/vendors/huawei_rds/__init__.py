"""Huawei Cloud RDS: database accounts of MySQL and PostgreSQL instances, reset by an access key."""
