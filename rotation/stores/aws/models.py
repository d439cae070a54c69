"""Read only the models of the services that are called.

Before botocore reads one service's model, it looks whether any of some 430 folders has one: 2,700 file names, a tenth
of a cold start (botocore 1.43, measured 2026-11-30).
"""

from __future__ import annotations

from botocore.exceptions import DataNotFoundError
from botocore.loaders import Loader


class FewModels(Loader):
    """Look in the folder of the service that is wanted; where it has no such model, let botocore name all that have."""

    _wanted = ""

    def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> object:
        """Return a model of a service."""
        self._wanted = service_name
        return super().load_service_model(service_name, type_name, api_version)

    def list_available_services(self, type_name: str) -> list[str]:
        """Return a list with the service that is wanted, if it is available."""
        try:
            self.list_api_versions(self._wanted, type_name)
        except DataNotFoundError:
            return list(super().list_available_services(type_name))
        return [self._wanted]
