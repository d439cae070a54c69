"""The service behind CompShare's gateway: what it has beyond UCloud's other machines."""

from __future__ import annotations

from collections.abc import Callable

from rotation_testkit.doubles.families.ucloud.service import Answer, MachineService, Params
from rotation_testkit.doubles.vendor_api.call import Call
from rotation_testkit.doubles.vendors.ucloud_compshare.instances import Instance

REGION, ZONE = "cn-wlcb", "cn-wlcb-01"


class CompShareService(MachineService[Instance]):
    """Containers and virtual machines."""

    noun, spot = "CompShareInstance", frozenset({"Spot"})

    @property
    def actions(self) -> dict[str, Callable[[Call, Params], Answer]]:
        """Every action that the service knows."""
        return {**super().actions, "ReinstallCompShareInstance": self._reinstall}

    def _has_room(self, instance: Instance, params: Params) -> bool:
        return self.capacity or (params.get("WithoutGpu") == "true" and instance.without_gpu_start)

    def _reinstall(self, call: Call, params: Params) -> Answer:
        instance = self._writable(params, "CompShareImageId")
        self._expect(instance, "Stopped")
        password = self._new_password(instance, params["Password"]) if "Password" in params else instance.password

        def effect() -> None:
            instance.password = instance.guest = password
            self._move(instance, "Reinstalling", self.delays.start, "Running")

        call.commit(effect)
        return {"UHostId": instance.uhost_id}
