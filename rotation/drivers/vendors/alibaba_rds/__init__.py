"""Alibaba Cloud ApsaraDB RDS: database accounts of MySQL, MariaDB and PostgreSQL instances, reset by an access key."""
