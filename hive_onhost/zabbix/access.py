"""How we get in: with the generated password of Admin, the factory's once, and from then on with a token (spec setup-hosts.md ZBX-4)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from hive_onhost.failure import ENGINE, Failure
from hive_onhost.zabbix.api import Api
from hive_onhost.zabbix.model import Difference, Model

__all__ = ["FACTORY", "USER", "Access"]

USER = "Admin"
FACTORY = "zabbix"
_TOKEN = "hive-nornir"  # noqa: S105 - its name


class Access:
    """The user Admin and the token.

    :ivar factory: the password is still the factory's.
    :ivar token: a valid one is in its file.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self.factory = False
        self.token = False

    @contextlib.contextmanager
    def entered(self) -> Iterator[Api]:
        """A session, ended afterwards; with the token where there is a valid one.

        :raises Failure: neither password is right.
        """
        with_password = Api(self._model.url)
        self.factory = not with_password.login(USER, self._model.password)
        if self.factory and not with_password.login(USER, FACTORY):
            raise Failure(
                f"the password of {USER} is neither zabbix_admin_password nor the factory's; set it to the former in the console",
                ENGINE,
            )
        try:
            with_token = Api(self._model.url)
            file = self._model.token_file
            self.token = file.exists() and with_token.use_token(file.read_text().strip())
            yield with_token if self.token else with_password
        finally:
            with_password.logout()

    def differences(self, api: Api) -> list[Difference]:
        """A factory password, and a token that is missing."""
        found = []
        if self.factory:
            found.append(Difference(f"password of {USER}: the factory's", lambda: self._change_password(api)))
        if not self.token:
            found.append(Difference("API token: none that is valid", lambda: self._make_token(api)))
        return found

    def _change_password(self, api: Api) -> None:
        api("user.update", userid=self._user(api), passwd=self._model.password, current_passwd=FACTORY)
        if not api.login(USER, self._model.password):
            raise Failure(f"the new password of {USER} is refused", ENGINE)

    def _make_token(self, api: Api) -> None:
        user = self._user(api)
        older = api("token.get", output=["tokenid"], filter={"name": _TOKEN, "userid": user})
        if older:
            api("token.delete", [each["tokenid"] for each in older])
        [made] = api("token.create", name=_TOKEN, userid=user)["tokenids"]
        [generated] = api("token.generate", [made])
        file = self._model.token_file
        new = file.with_name(f".{file.name}.new")
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(generated["token"] + "\n")
            opened.flush()
            os.fsync(opened.fileno())
        new.replace(file)

    @staticmethod
    def _user(api: Api) -> str:
        [user] = api("user.get", output=["userid"], filter={"username": USER})
        return str(user["userid"])
