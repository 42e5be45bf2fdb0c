"""The types that definitions are made of: templates, networks, names, sizes, and values that may have one of several shapes."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, Tag
from pydantic_core import CoreSchema, core_schema

__all__ = [
    "Definition",
    "Duration",
    "Ipv4Address",
    "Ipv4Network",
    "Ipv6Network",
    "PositiveInt",
    "RoleNames",
    "Scalar",
    "ScalarMap",
    "StageName",
    "TemplateOr",
    "Text",
    "TextOrList",
    "WrongError",
    "by_shape",
    "is_template",
    "matching",
    "require",
]

StageName = Literal["private", "staging", "production"]


class Definition(BaseModel):
    """A map in a definition file: unknown keys are errors, and nothing is converted (`"4"` is not a number)."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=False)


class WrongError(ValueError):
    """A value that does not fit.

    :param message: what was expected, in words that follow "stages.private.cidr: ".
    :param hint: the way out.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def is_template(value: Any) -> bool:
    """Whether a value is text that Jinja will render later."""
    return isinstance(value, str) and ("{{" in value or "{%" in value)


class TemplateOr:
    """Marks a type whose place may also hold a template (spec inventory.md 7): `Annotated[Any, TemplateOr(int)]`.

    :param inner: the type of a value that is no template.
    """

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_wrap_validator_function(
            lambda value, check: value if is_template(value) else check(value), handler.generate_schema(self.inner)
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        template = {"type": "string", "pattern": r"\{[{%]", "description": "a Jinja template"}
        return {"anyOf": [handler(schema), template]}


def by_shape(expected: str) -> Discriminator:
    """For a union whose members are tagged `<text>`, `<number>`, `<list>`, `<map>` or `<null>`.

    It goes by what the value is, so that one wrong value is one error and not one for each member.

    :param expected: the shapes in words.
    """
    shapes = {str: "<text>", int: "<number>", list: "<list>", dict: "<map>", type(None): "<null>"}
    return Discriminator(lambda value: shapes.get(type(value)), custom_error_type="shape", custom_error_message=f"expected {expected}")


def require(value: str, pattern: str, expected: str, hint: str = "") -> str:
    """The text itself if all of it fits the pattern.

    :param expected: the pattern in words.
    :raises WrongError: if it does not fit.
    """
    if not re.fullmatch(pattern, value):
        raise WrongError(f"expected {expected}, found {value!r}", hint)
    return value


def matching(pattern: str, expected: str, hint: str = "") -> AfterValidator:
    """`require` as the marker of a type."""
    return AfterValidator(lambda value: require(value, pattern, expected, hint))


def _network(version: Literal[4, 6], example: str) -> AfterValidator:
    def check(value: str) -> str:
        try:
            network = ipaddress.ip_network(value, strict=False)
        except ValueError:
            raise WrongError(f"expected an IPv{version} network such as {example}, found {value!r}") from None
        if network.version != version:
            raise WrongError(f"expected an IPv{version} network such as {example}, found the IPv{network.version} network {value!r}")
        if str(network.network_address) != value.split("/")[0] and ipaddress.ip_address(value.split("/")[0]) != network.network_address:
            raise WrongError(f"{value!r} is an address inside a network, not a network", f"the network is {network}")
        return value

    return AfterValidator(check)


def _ipv4_address(value: str) -> str:
    try:
        ipaddress.IPv4Address(value)
    except ValueError:
        raise WrongError(f"expected an IPv4 address such as 192.168.56.4, found {value!r}") from None
    return value


def _scalar(value: Any) -> Any:
    if isinstance(value, dict | list):
        raise WrongError(
            f"expected a single value, found a {'map' if isinstance(value, dict) else 'list'}", "write it as JSON text in quotes"
        )
    return value


Ipv4Network = Annotated[str, _network(4, "192.168.56.0/24")]
Ipv6Network = Annotated[str, _network(6, "fd00::/64")]
Ipv4Address = Annotated[str, AfterValidator(_ipv4_address)]
PositiveInt = Annotated[int, Field(ge=1)]
Text = Annotated[str, Field(min_length=1)]
Scalar = Annotated[Any, AfterValidator(_scalar)]
ScalarMap = Annotated[Any, TemplateOr(dict[Any, Scalar])]
RoleNames = Annotated[Any, TemplateOr(list[Text])]
TextOrList = Annotated[Annotated[str, Tag("<text>")] | Annotated[list[Scalar], Tag("<list>")], by_shape("text or a list of texts")]
Duration = Annotated[Any, TemplateOr(Annotated[str, matching(r"(\d+(\.\d+)?(us|ms|s|m|h))+", "a duration such as 30s or 1m30s")])]
