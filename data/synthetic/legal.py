"""One way to refuse parameters of weather, light and water that cannot be."""

from collections.abc import Mapping

from bsn.data.errors import DataError

__all__ = ["check_parameters"]


def check_parameters(given: object, rules: Mapping[str, tuple[bool, str]], why: str) -> None:
    """Refuse the first parameter that is out of range.

    Parameters
    ----------
    given : object
        It has the parameters as attributes.
    rules : mapping of str to tuple
        For the name of each, whether its value is legal, and what is legal in words.
    why : str
        Why another value cannot be, such as "no rain is like that".

    Raises
    ------
    DataError
        If a rule is broken: the name and the value, `why`, and what is legal.
    """
    for name, (legal, range_) in rules.items():
        if not legal:
            raise DataError(f"{name} {getattr(given, name)}", why, f"use {range_}")
