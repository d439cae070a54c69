"""botocore reads the models of the service that is wanted, and looks at no other's folder."""

from itertools import product

import botocore.session
import pytest
from botocore.exceptions import EndpointVariantError, UnknownServiceError
from botocore.loaders import Loader
from botocore.regions import EndpointResolver

from rotation.stores.aws.client import secrets_manager
from rotation.stores.aws.models import FewModels

KEPT = ("hostname", "dnsSuffix", "partition", "credentialScope", "signatureVersions", "endpointName", "protocols")


def models(**settings):
    """Return a loader of the models that botocore has."""
    return FewModels(Loader().search_paths, **settings)


@pytest.fixture
def ours(monkeypatch):
    """Return a maker of a client in an environment like Lambda's, which may read only what it calls."""

    def make(**environment):
        for name, value in {"AWS_REGION": "eu-central-1", **environment}.items():
            monkeypatch.setenv(name, value)
        with monkeypatch.context() as only_here:
            only_here.setattr(Loader, "list_available_services", lambda *_: pytest.fail("looks in every folder"))
            return secrets_manager()

    return make


@pytest.mark.parametrize("environment", [{}, {"AWS_USE_FIPS_ENDPOINT": "true"}, {"AWS_USE_DUALSTACK_ENDPOINT": "true"}])
def test_a_client_needs_its_own_models_only(ours, environment, monkeypatch):
    """It is like a client of plain botocore; the endpoints of other services are not read where keys are given."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    plain = botocore.session.get_session().create_client("secretsmanager", region_name="eu-central-1")
    monkeypatch.setattr(EndpointResolver, "__init__", recording(EndpointResolver.__init__, read := []))
    made = ours(AWS_ACCESS_KEY_ID="AKIDNOBODY", AWS_SECRET_ACCESS_KEY="k", **environment)
    assert [each["services"] for each in read[0]["partitions"]] == [{}] * len(read[0]["partitions"])
    assert made.meta.service_model.operation_names == plain.meta.service_model.operation_names
    assert (made.meta.endpoint_url, made.meta.partition) == (plain.meta.endpoint_url, "aws")
    assert made._request_signer.region_name == plain._request_signer.region_name == "eu-central-1"


def test_every_endpoint_is_read_where_credentials_may_need_another_client(ours, monkeypatch):
    """A role's credentials come from another service, whose names are its own."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    monkeypatch.setattr(EndpointResolver, "__init__", recording(EndpointResolver.__init__, read := []))
    ours()
    assert "sts" in read[0]["partitions"][0]["services"]


def recording(method, found):
    """Return a method that notes its argument."""

    def recorded(self, data, **settings):
        found.append(data)
        method(self, data, **settings)

    return recorded


def test_secrets_manager_has_the_usual_names_in_every_region():
    """What the short form says is what botocore's whole list says, where that names an endpoint at all."""
    whole, short = (EndpointResolver(loader.load_data("endpoints")) for loader in (Loader(), models(only_secrets=True)))
    regions = {name for each in Loader().load_data("endpoints")["partitions"] for name in each["regions"]}
    compared = 0
    for region, dual, fips in product(sorted(regions | {"eu-north-9", "cn-east-9"}), (False, True), (False, True)):

        def named(by, region=region, dual=dual, fips=fips):
            try:
                found = by.construct_endpoint(
                    "secretsmanager", region, use_dualstack_endpoint=dual, use_fips_endpoint=fips
                )
            except EndpointVariantError:
                return None
            return found and {key: found.get(key) for key in KEPT}

        expected = named(whole)
        compared += expected is not None
        assert expected in (None, named(short))
    assert compared >= len(regions) * 3


@pytest.mark.parametrize("model", ["service-2", "endpoint-rule-set-1"])
def test_a_service_that_botocore_lacks_is_named(model):
    """Its models are looked for everywhere before that is said."""
    with pytest.raises(UnknownServiceError, match=r"'sicrets'.* secretsmanager,"):
        models().load_service_model("sicrets", model)
