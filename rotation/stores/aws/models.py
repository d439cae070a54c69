"""Read only the models of what is called: botocore reads and looks for much more, a fifth of a cold start.

Measured with botocore 1.43 (2026-11-30): before it reads one service's model, it looks whether any of some 430 folders
has one, which are 2,700 file names and 25 ms. Then it reads the endpoints of every service, 1.2 MB and 14 ms; to which
of them a request goes, the service's own small rule set says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import DataNotFoundError
from botocore.loaders import Loader

_HOST = "{service}.{region}.{dnsSuffix}"
_FIPS_HOST = "{service}-fips.{region}.{dnsSuffix}"


class FewModels(Loader):
    """Look in the folder of the service that is wanted; where it has no such model, let botocore name all that have.

    Args:
        paths: folders of models.
        only_secrets: no client but Secrets Manager's is made, whose endpoints have the usual names in all regions.
    """

    def __init__(self, paths: list[str], *, only_secrets: bool = False) -> None:
        super().__init__(paths, include_default_search_paths=False)
        self._only_secrets = only_secrets
        self._wanted = ""

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

    def load_data_with_path(self, name: str) -> tuple[Any, str]:
        """Return data, and where they are."""
        if name != "endpoints" or not self._only_secrets:
            return super().load_data_with_path(name)
        found, path = super().load_data_with_path("partitions")
        return {"version": 3, "partitions": [_usual_endpoints(each) for each in found["partitions"]]}, path


def _usual_endpoints(partition: Mapping[str, Any]) -> dict[str, object]:
    """Return a partition in the form of botocore's ``endpoints.json``, without the services with names of their own."""
    outputs = partition["outputs"]
    return {
        "partition": partition["id"],
        "dnsSuffix": outputs["dnsSuffix"],
        "regionRegex": partition["regionRegex"],
        "regions": partition["regions"],
        "services": {},
        "defaults": {
            "hostname": _HOST,
            "protocols": ["https"],
            "signatureVersions": ["v4"],
            "variants": list(_variants(outputs)),
        },
    }


def _variants(outputs: Mapping[str, Any]) -> Iterator[dict[str, object]]:
    single, dual = outputs["dnsSuffix"], outputs["dualStackDnsSuffix"]
    if outputs["supportsFIPS"]:
        yield {"tags": ["fips"], "hostname": _FIPS_HOST, "dnsSuffix": single}
    if outputs["supportsDualStack"]:
        yield {"tags": ["dualstack"], "hostname": _HOST, "dnsSuffix": dual}
    if outputs["supportsFIPS"] and outputs["supportsDualStack"]:
        yield {"tags": ["dualstack", "fips"], "hostname": _FIPS_HOST, "dnsSuffix": dual}
