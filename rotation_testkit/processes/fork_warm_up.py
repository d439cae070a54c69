"""Imported by the fork server alone: loads what each invocation of the demonstration's function would load."""

from rotation_testkit.processes.function_context import set_environment
from rotation_testkit.processes.isolated_function import aws_session

set_environment({})
# Reads the service's model into the session's cache; the client calls nothing.
aws_session().create_client(
    "secretsmanager",
    region_name="none",
    aws_access_key_id="none",
    aws_secret_access_key="none",  # noqa: S106 - nobody's
)
