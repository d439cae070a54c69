"""TencentDB for MySQL: accounts of an instance, whose passwords an API key changes by a task."""
