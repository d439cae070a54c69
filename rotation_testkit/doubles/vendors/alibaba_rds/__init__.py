"""A simulator of Alibaba Cloud ApsaraDB RDS."""
