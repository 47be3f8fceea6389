"""Hand settings to code that does not know them: values are declared once, and found by name."""

from collections.abc import Callable
from inspect import signature
from typing import Any, TypeVar

from grapy_cli.settings.sections import Section

Built = TypeVar("Built")


def derive(build: Callable[..., Built], *sections: Section, **more: Any) -> Built:  # noqa: ANN401
    """Call a class or a function with the fields of sections that its parameters are named after.

    Args:
        build: What is called; a parameter without a field keeps its default.
        sections: The first one that has a field gives it.
        more: Values that are not settings, or are named otherwise there.
    """
    found: dict[str, Any] = {}
    for name in signature(build).parameters:
        for section in sections:
            if name in type(section).model_fields:
                found.setdefault(name, getattr(section, name))
    return build(**found | more)
