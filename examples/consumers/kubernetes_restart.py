"""Restarts a Deployment as ``kubectl rollout restart`` does: by a new annotation in its pods' template.

It calls the API server with the pod's own service account. A Deployment that was restarted after the commit has read
the new password already and is left alone, so that a repeated event restarts nothing.
"""

from __future__ import annotations

import json
import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
ANNOTATION = "kubectl.kubernetes.io/restartedAt"


def restart(target: str, at: datetime) -> str:
    """Restart ``NAMESPACE/DEPLOYMENT`` unless it was restarted since.

    Raises:
        OSError: the API server cannot be reached, or refuses.
    """
    namespace, _, name = target.partition("/")
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
    template = _call("GET", path)["spec"]["template"]
    since = template.get("metadata", {}).get("annotations", {}).get(ANNOTATION)
    # Both times have whole seconds, so that a restart in the next one may be from before the commit.
    if since is not None and datetime.fromisoformat(since) > at + timedelta(seconds=1):
        return "restarted since"
    now = datetime.now(UTC).isoformat(timespec="seconds")
    _call("PATCH", path, {"spec": {"template": {"metadata": {"annotations": {ANNOTATION: now}}}}})
    return "restarted"


def _call(method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - the API's objects
    """Call the API server. The token is read each time, since Kubernetes renews it."""
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    headers = {"Authorization": f"Bearer {(ACCOUNT / 'token').read_text(encoding='utf-8').strip()}"}
    if body is not None:
        headers["Content-Type"] = "application/strategic-merge-patch+json"
    data = None if body is None else json.dumps(body).encode()
    request = Request(f"https://{host}:{port}{path}", data=data, headers=headers, method=method)
    context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    with urlopen(request, timeout=10, context=context) as answer:  # noqa: S310 - as above
        return json.load(answer)
