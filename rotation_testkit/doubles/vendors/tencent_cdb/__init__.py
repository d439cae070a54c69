"""A simulator of TencentDB for MySQL."""
