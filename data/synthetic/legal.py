"""One way to refuse parameters of weather and water that cannot be."""

from collections.abc import Mapping

from bsn.data.errors import DataError

__all__ = ["check_parameters"]


def check_parameters(rules: Mapping[str, tuple[object, bool, str]], why: str) -> None:
    """Refuse the first parameter that is out of range.

    Parameters
    ----------
    rules : mapping of str to tuple
        For each name the value, whether it is legal, and what is legal in words.
    why : str
        Why it cannot be, such as "no rain is like that".

    Raises
    ------
    DataError
    """
    for name, (value, legal, range_) in rules.items():
        if not legal:
            raise DataError(f"{name} {value}", why, f"use {range_}")
