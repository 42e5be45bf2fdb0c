"""Keeps secrets out of records and displays: operations do not show theirs, and what still slips through is blotted out here."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable

from hive_nornir.operations._diffs import without_passwords

__all__ = ["Redactor"]

_MASK = "********"
# Shorter values would blot out ordinary words.
_SHORTEST = 6
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL)


class Redactor:
    """Replaces known secrets in a text.

    :param secrets: their values; shorter ones than six characters are ignored. The collection may grow while it is in use.
    """

    def __init__(self, *secrets: Collection[str]) -> None:
        self._secrets = secrets
        self._count = -1
        self._known: re.Pattern[str] | None = None

    def __call__(self, text: str) -> str:
        """The text with every secret masked."""
        count = sum(map(len, self._secrets))
        if count != self._count:
            self._known, self._count = _pattern(secret for group in self._secrets for secret in list(group)), count
        masked = without_passwords(_PRIVATE_KEY.sub(_MASK, text))
        return self._known.sub(_MASK, masked) if self._known else masked


def _pattern(secrets: Iterable[str]) -> re.Pattern[str] | None:
    forms = {form for secret in secrets if len(secret) >= _SHORTEST for form in (secret, json.dumps(secret, ensure_ascii=False)[1:-1])}
    # The longest first, so that a secret which contains another one goes as a whole.
    return re.compile("|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))) if forms else None
