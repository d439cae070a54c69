"""The service behind Volcengine's gateway: what each action of cloudidentity checks, changes and answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendor_api.call import Call, Refused
from rotation_testkit.doubles.vendors.volcengine_cloudidentity.directory import Directory, User, china_time

_ATTRIBUTES: Mapping[str, tuple[str, int]] = {  # lengths as the vendor's SDK checks them
    "UserName": ("user_name", 54),
    "DisplayName": ("display_name", 64),
    "Description": ("description", 255),
    "Email": ("email", 128),
    "Phone": ("phone", 20),
}
_MOST_PER_PAGE = 100
Body = dict[str, object]


@dataclass(slots=True)
class DirectoryService:
    """The actions on one directory; the fields after ``reset_delay`` are switches for what no document states."""

    directory: Directory
    later: Callable[[float, Callable[[], None]], None]
    reset_delay: float = 0
    echo_password: bool = True  # the answer repeats a password that the caller gave
    values_in_messages: bool = True  # InvalidParam says "name[value]", and the value may be a password
    sync_reset_code: str = ""  # what a reset of a Source=Sync user is refused with; empty: it is done

    @property
    def actions(self) -> dict[str, Callable[[Call, Body], Body]]:
        """Every action that this service knows."""
        return {
            "ResetPassword": self._reset,
            "GetUser": lambda _call, body: self._user(body).view() | {"IdentityType": "Create"},
            "ListUsers": self._list,
            "CreateUser": self._create,
            "UpdateUser": self._update,
            "DeleteUser": self._delete,
            "GetServiceStatus": self._status,
            "GetPortalLoginConfig": self._login_config,
            "ListPortalLoginSettings": self._login_settings,
            "EnablePortalLoginSetting": lambda call, body: self._set_login(call, body, on=True),
            "DisablePortalLoginSetting": lambda call, body: self._set_login(call, body, on=False),
        }

    def _reset(self, call: Call, body: Body) -> Body:
        self._check_running("ResetPassword")
        if not self.directory.login_settings["Password"]:
            raise Refused("PasswordLoginNotEnable")
        must_change, generate = self._flag(body, "PasswordResetRequired"), self._flag(body, "GenerateRandomPassword")
        user = self._user(body)
        user.attempts += 1
        if self.sync_reset_code and user.source == "Sync":
            raise Refused(self.sync_reset_code, "ResetPassword")
        if user.changing:
            raise Refused("ConcurrentException")
        password = self.directory.generate() if generate else self._text(body, "Password")
        if self.directory.weakness(password):
            raise self._invalid("Password", password)
        _changing(user, +1)
        call.at_end(lambda: _changing(user, -1))
        call.commit(lambda: self._apply(user, Secret(password), must_change=must_change))
        return {"Password": password} if generate or self.echo_password else {}

    def _apply(self, user: User, password: Secret, *, must_change: bool) -> None:
        def in_force() -> None:
            _changing(user, -1)
            self.directory.reset(user, password, must_change=must_change)

        _changing(user, +1)
        self.later(self.reset_delay, in_force)

    def _list(self, _call: Call, body: Body) -> Body:
        page, size = self._whole(body, "PageNumber", 1), self._whole(body, "PageSize", 10)
        if size > _MOST_PER_PAGE:
            raise self._invalid("PageSize", str(size))
        wanted, name, source = (self._text(body, field, "") for field in ("QueryString", "UserName", "Source"))
        found = [
            user
            for user in self.directory.users.values()
            if (wanted in user.user_name or wanted in user.display_name)
            and name in {"", user.user_name}
            and source in {"", user.source}
        ]
        shown = [user.view() for user in found[(page - 1) * size : page * size]]
        return {"PageNumber": page, "PageSize": size, "Total": len(found), "Users": shown}

    def _create(self, call: Call, body: Body) -> Body:
        self._check_running("CreateUser")
        fields = self._fields(body)
        name = fields.get("user_name", "")
        if not name:
            raise Refused("ParamMissing", "UserName")
        if any(name == user.user_name for user in self.directory.users.values()):
            raise self._invalid("UserName", name)
        user = self.directory.make(name, None)
        _write(user, fields)
        call.commit(lambda: self.directory.users.update({user.user_id: user}))
        return user.view()

    def _update(self, call: Call, body: Body) -> Body:
        self._check_running("UpdateUser")
        user, fields = self._user(body), self._fields(body)

        def effect() -> None:
            _write(user, fields)
            user.updated = self.directory.clock()

        call.commit(effect)
        return {}

    def _delete(self, call: Call, body: Body) -> Body:
        self._check_running("DeleteUser")
        user = self._user(body)

        def effect() -> None:
            self.directory.users.pop(user.user_id, None)

        call.commit(effect)
        return {}

    def _status(self, _call: Call, _body: Body) -> Body:
        instance = {
            "InstanceId": "ci-000001",
            "InstanceName": "directory",
            "Region": "cn-beijing",
            "Status": self.directory.status,
            "CreatedTime": china_time(1_700_000_000),
        }
        return {"Instances": [instance], "PrerequisiteCheckResult": "Success"}

    def _login_config(self, _call: Call, _body: Body) -> Body:
        kind = next((name for name, on in self.directory.login_settings.items() if on), "")
        return {"LoginType": kind, "PortalURL": "https://directory.example.com/portal", "Subdomain": "directory"}

    def _login_settings(self, _call: Call, _body: Body) -> Body:
        words = {True: self.directory.on_off[0], False: self.directory.on_off[1]}
        settings = self.directory.login_settings.items()
        return {"PortalLoginSettings": [{"LoginType": name, "Status": words[on]} for name, on in settings]}

    def _set_login(self, call: Call, body: Body, *, on: bool) -> Body:
        name = self._text(body, "LoginType")
        if name not in self.directory.login_settings:
            raise Refused("LoginSettingNotFound")
        call.commit(lambda: self.directory.login_settings.update({name: on}))
        return {}

    # Shared checks.

    def _check_running(self, action: str) -> None:
        if not self.directory.running:
            raise Refused("ServiceStatusException", f"[{action}] when service is {self.directory.status}")

    def _user(self, body: Body) -> User:
        user = self.directory.users.get(self._text(body, "UserId"))
        if user is None:
            raise Refused("UserNotFound")
        return user

    def _fields(self, body: Body) -> dict[str, str]:
        fields = {}
        for name, (attribute, longest) in _ATTRIBUTES.items():
            if name in body:
                fields[attribute] = self._text(body, name)
                if len(fields[attribute]) > longest:
                    raise self._invalid(name, fields[attribute])
        return fields

    def _text(self, body: Body, name: str, default: str | None = None) -> str:
        value = body.get(name, default)
        if value is None:
            raise Refused("ParamMissing", name)
        if not isinstance(value, str):
            raise self._invalid(name, str(value))
        return value

    def _flag(self, body: Body, name: str) -> bool:
        value = body.get(name)
        if value is None:
            raise Refused("ParamMissing", name)
        if not isinstance(value, bool):
            raise self._invalid(name, str(value))
        return value

    def _whole(self, body: Body, name: str, default: int) -> int:
        text = str(body.get(name, default))
        if not text.isdecimal() or int(text) < 1:
            raise self._invalid(name, text)
        return int(text)

    def _invalid(self, name: str, value: str) -> Refused:
        return Refused("InvalidParam", f"{name}[{value if self.values_in_messages else ''}]")


def _changing(user: User, change: int) -> None:
    user.changing += change


def _write(user: User, fields: Mapping[str, str]) -> None:
    for attribute, value in fields.items():
        setattr(user, attribute, value)
