"""A policy in other languages: HCL, GetRandomPassword, JSON Schema, Markdown; each names what it cannot express."""

from rotation.policy.render.generators import to_get_random_password, to_hcl
from rotation.policy.render.markdown import to_markdown
from rotation.policy.render.result import Rendered
from rotation.policy.render.schema import to_json_schema

__all__ = ["Rendered", "to_get_random_password", "to_hcl", "to_json_schema", "to_markdown"]
