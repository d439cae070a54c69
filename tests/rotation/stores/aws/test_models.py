"""botocore reads the models of the service that is wanted, and looks at no other's folder."""

import botocore.session
import pytest
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader

from rotation.stores.aws.client import secrets_manager
from rotation.stores.aws.models import FewModels


def test_a_client_needs_its_own_models_only(monkeypatch):
    """What it calls is what a client of plain botocore calls."""

    def every_folder(_, type_name):
        pytest.fail(f"looks for {type_name} in every folder")

    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    plain = botocore.session.get_session().create_client("secretsmanager", region_name="eu-central-1")
    monkeypatch.setattr(Loader, "list_available_services", every_folder)
    made = secrets_manager()
    assert made.meta.service_model.operation_names == plain.meta.service_model.operation_names
    assert made.meta.endpoint_url == plain.meta.endpoint_url == "https://secretsmanager.eu-central-1.amazonaws.com"


@pytest.mark.parametrize("model", ["service-2", "endpoint-rule-set-1"])
def test_a_service_that_botocore_lacks_is_named(model):
    """Its models are looked for everywhere before that is said."""
    with pytest.raises(UnknownServiceError, match=r"'sicrets'.* secretsmanager,"):
        FewModels().load_service_model("sicrets", model)
