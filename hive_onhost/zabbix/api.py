"""Zabbix' API, whose failures are told without what was sent: that may be a password."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from hive_onhost.failure import ENGINE, Failure

__all__ = ["Api", "Refused"]

SECONDS = 60


class Refused(Failure):
    """Zabbix did not do what it was asked for."""

    def __init__(self, message: str) -> None:
        super().__init__(message, ENGINE)


class Api:
    """A session: `api("host.get", output=["name"])`.

    :param url: of api_jsonrpc.php.
    """

    def __init__(self, url: str) -> None:
        library = import_module("zabbix_utils")
        self._errors = (library.exceptions.APIRequestError, library.exceptions.ProcessingError, OSError)
        with self._told("Zabbix does not answer"):
            self._client: Any = library.ZabbixAPI(url, skip_version_check=True, timeout=SECONDS)

    def __call__(self, method: str, *arguments: Any, **parameters: Any) -> Any:
        """The result of a method of the API.

        :param arguments: one list, for methods that take one.
        :raises Refused: with Zabbix' own words.
        """
        target, _, name = method.partition(".")
        with self._told(method):
            return getattr(getattr(self._client, target), name)(*arguments, **parameters)

    def login(self, user: str, password: str) -> bool:
        """Begin a session with a password; whether it is right."""
        try:
            self._client.login(user=user, password=password)
        except self._errors as error:
            if "Incorrect user name or password" in str(getattr(error, "data", error)):
                return False
            raise Refused(f"login of {user}: {_words(error)}") from None
        return True

    def use_token(self, token: str) -> bool:
        """Go on with a token; whether it is valid."""
        try:
            self._client.login(token=token)
            return bool(self._client.user.get(output=["userid"], limit=1))
        except self._errors:
            return False

    def logout(self) -> None:
        """End a session that began with a password."""
        with contextlib.suppress(*self._errors):
            self._client.logout()

    @contextlib.contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except self._errors as error:
            raise Refused(f"{what}: {_words(error)}") from None


def _words(error: Exception) -> str:
    said = [str(word) for word in (getattr(error, "message", ""), getattr(error, "data", "")) if word]
    return " ".join(dict.fromkeys(said)) or str(error) or type(error).__name__
