"""Keeps secrets out of records and displays: operations do not show theirs, and what still slips through is blotted out here."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hive_nornir.inventory.context import SiteContext

__all__ = ["Redactor"]

_MASK = "********"
# Shorter values would blot out ordinary words.
_SHORTEST = 6
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL)


class Redactor:
    """Replaces known secrets in a text.

    :param secrets: their values; shorter ones than six characters are ignored.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets if len(secret) >= _SHORTEST for form in (secret, json.dumps(secret)[1:-1])}
        # The longest first, so that a secret which contains another one goes as a whole.
        self._known = re.compile("|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))) if forms else None

    @classmethod
    def of_stage(cls, context: SiteContext) -> Redactor:
        """Knows the secrets that lie in the stage's folder: generated passwords and persisted credentials."""
        return cls(context.persistents.secret_values())

    def __call__(self, text: str) -> str:
        """The text with every secret masked."""
        masked = _PRIVATE_KEY.sub(_MASK, text)
        return self._known.sub(_MASK, masked) if self._known else masked
