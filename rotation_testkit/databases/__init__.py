"""Real database servers on loopback, each with a data folder of its own: PostgreSQL, Valkey, MariaDB."""
