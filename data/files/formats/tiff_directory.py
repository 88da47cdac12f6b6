"""Directories of TIFF-like files entry by entry, as bytes: for copies that keep all that they do not change.

Entries that are copied keep the place of their values, so what points into the file from elsewhere (notes of a camera's maker
do) still points to the same bytes. Classic TIFF and BigTIFF, and the raw files that are TIFF under another number.

TIFF 6.0 (1992), section 2; BigTIFF by its number 43.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any, NamedTuple

from bsn.data.errors import DataError

#: Types of values.
BYTE, ASCII, SHORT, LONG, RATIONAL, SIGNED_RATIONAL, DOUBLE, LONG_8 = 1, 2, 3, 4, 5, 10, 12, 16
# Bytes of one value of each type.
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_LETTERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_RATIONALS = {RATIONAL: "I", SIGNED_RATIONAL: "i"}
_SUB_DIRECTORIES = 330
_BIG = 43
# 42 is TIFF, 43 BigTIFF; Olympus and Panasonic count otherwise.
_NUMBERS = {42, _BIG, 0x4F52, 0x5352, 0x55}
_MOST_DIRECTORIES = 64
_LARGEST = 256 * 2**20  # bytes of one value


class Form(NamedTuple):
    """How a file writes numbers.

    Attributes
    ----------
    order : {"<", ">"}
        Byte order.
    big : bool
        Whether places take 64 bits, as in BigTIFF.
    """

    order: str
    big: bool = False

    @property
    def place_letter(self) -> str:
        """Letter of :mod:`struct` for a place in the file, and for a number of values."""
        return "Q" if self.big else "I"

    @property
    def count_letter(self) -> str:
        """Letter of :mod:`struct` for the number of entries of a directory."""
        return "Q" if self.big else "H"

    def size(self, letters: str) -> int:
        """Bytes of some numbers.

        Parameters
        ----------
        letters : str
            One for each number, as :mod:`struct` has them.

        Returns
        -------
        int
        """
        return struct.calcsize(self.order + letters)

    def pack(self, letters: str, *values: float) -> bytes:
        """Write numbers.

        Parameters
        ----------
        letters : str
            One for each number, as :mod:`struct` has them.
        *values : int or float
            The numbers.

        Returns
        -------
        bytes
        """
        return struct.pack(self.order + letters, *values)

    def unpack(self, letters: str, data: bytes) -> tuple[Any, ...]:
        """Read numbers.

        Parameters
        ----------
        letters : str
            One for each number, as :mod:`struct` has them.
        data : bytes
            As many as they take.

        Returns
        -------
        tuple of int or float
        """
        return struct.unpack(self.order + letters, data)


class Entry(NamedTuple):
    """One tag.

    Attributes
    ----------
    kind : int
        TIFF type of its values.
    number : int
        How many there are.
    data : bytes
        All of them.
    place : int
        Where they lie in the file.
    """

    kind: int
    number: int
    data: bytes
    place: int


@dataclass(frozen=True)
class Directory:
    """One image of a file.

    Attributes
    ----------
    entries : mapping
        By number of the tag.
    following : int
        Where the next directory begins; 0 for none.
    pointer : int
        Where in the file stands where this one begins.
    link : int
        Where in the file stands where the next one begins.
    form : Form
        How the file writes numbers.
    """

    entries: Mapping[int, Entry]
    following: int
    pointer: int
    link: int
    form: Form

    def numbers(self, tag: int) -> tuple[float, ...]:
        """Values of a tag as numbers.

        Parameters
        ----------
        tag : int
            Its number.

        Returns
        -------
        tuple of float or int
            Empty where there is no such tag; rationals divided, 0 where the divisor is 0.
        """
        entry = self.entries.get(tag)
        if entry is None or entry.kind not in _SIZES:
            return ()
        if entry.kind in _RATIONALS:
            parts = self.form.unpack(f"{2 * entry.number}{_RATIONALS[entry.kind]}", entry.data)
            return tuple(a / b if b else 0.0 for a, b in zip(parts[::2], parts[1::2], strict=True))
        return self.form.unpack(f"{entry.number}{_LETTERS.get(entry.kind, 'B')}", entry.data)

    def whole(self, tag: int) -> tuple[int, ...]:
        """Values of a tag as whole numbers; parameters and result as in `numbers`.

        Parameters
        ----------
        tag : int
            Its number.

        Returns
        -------
        tuple of int
        """
        return tuple(int(value) for value in self.numbers(tag))


def make_entry(kind: int, value: float, form: Form) -> Entry:
    """Make an entry of one number that a file does not have yet.

    Parameters
    ----------
    kind : {SHORT, LONG, RATIONAL, LONG_8}
        TIFF type; rationals are made of millionths, of other numbers the whole part is written.
    value : float
        What it says; not negative.
    form : Form
        How the file writes numbers.

    Returns
    -------
    Entry
    """
    if kind == RATIONAL:
        return Entry(kind, 1, form.pack("II", round(value * 1_000_000), 1_000_000), 0)
    return Entry(kind, 1, form.pack(_LETTERS[kind], int(value)), 0)


def read_directories(file: IO[bytes]) -> list[Directory]:
    """Read all directories of images: the chain, and those below them; not those of EXIF data.

    Parameters
    ----------
    file : binary file
        Opened for reading.

    Returns
    -------
    list of Directory
        In the order of the file, each followed by those below it.

    Raises
    ------
    DataError
        Not a TIFF file, or a damaged one.
    """
    form, pointer = _header(file)
    found: dict[int, Directory] = {}
    while (directory := _read_new(file, pointer, form, found)) is not None:
        for below in _pointers_below(directory):
            _read_new(file, below, form, found)
        pointer = directory.link
    return list(found.values())


def read_directory(file: IO[bytes], pointer: int, form: Form) -> Directory:
    """Read one directory.

    Parameters
    ----------
    file : binary file
        Opened for reading.
    pointer : int
        Where in the file stands where it begins.
    form : Form
        How the file writes numbers.

    Returns
    -------
    Directory

    Raises
    ------
    DataError
        It leaves the file.
    """
    start = _number(file, pointer, form, form.place_letter)
    begin = start + form.size(form.count_letter)
    entries, link = _entries(file, begin, _number(file, start, form, form.count_letter), form)
    return Directory(entries, _number(file, link, form, form.place_letter), pointer, link, form)


def write_directory(file: IO[bytes], entries: Mapping[int, Entry], following: int, form: Form) -> int:
    """Write a directory at the end of a file.

    Parameters
    ----------
    file : binary file
        Opened for reading and writing.
    entries : mapping
        Those that have a place and do not fit into the directory stay where they are; the others are written.
    following : int
        Where the next directory begins; 0 for none.
    form : Form
        How the file writes numbers.

    Returns
    -------
    int
        Where it begins.

    Raises
    ------
    DataError
        The file would be longer than its places can tell.
    """
    room = form.size(form.place_letter)
    records = []
    for tag, entry in sorted(entries.items()):
        if len(entry.data) <= room:
            value = entry.data.ljust(room, b"\0")
        else:
            value = form.pack(form.place_letter, entry.place or _append(file, entry.data, form))
        records.append(form.pack(f"HH{form.place_letter}", tag, entry.kind, entry.number) + value)
    head, link = form.pack(form.count_letter, len(records)), form.pack(form.place_letter, following)
    return _append(file, head + b"".join(records) + link, form)


def replace_directory(file: IO[bytes], old: Directory, entries: Mapping[int, Entry]) -> None:
    """Write other entries for a directory to the end of a file, and let the pointer to it point there.

    What was read of the directories of the file before may no longer be true afterwards.

    Parameters
    ----------
    file : binary file
        Opened for reading and writing.
    old : Directory
        The directory; its bytes stay where they are.
    entries : mapping
        See `write_directory`.

    Raises
    ------
    DataError
        The file would be longer than its places can tell.
    """
    place = write_directory(file, entries, old.following, old.form)
    file.seek(old.pointer)
    file.write(old.form.pack(old.form.place_letter, place))


def end_of(file: IO[bytes]) -> int:
    """Length of a file.

    Parameters
    ----------
    file : binary file
        Any.

    Returns
    -------
    int
        Bytes.
    """
    return file.seek(0, 2)


def _header(file: IO[bytes]) -> tuple[Form, int]:
    """How the file writes numbers, and where stands where its first directory begins."""
    head = _take(file, 0, 8)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    number = struct.unpack(f"{order or '<'}H", head[2:4])[0]
    if order is None or number not in _NUMBERS:
        raise _damaged("it does not begin like a TIFF file")
    return Form(order, number == _BIG), 8 if number == _BIG else 4


def _read_new(file: IO[bytes], pointer: int, form: Form, found: dict[int, Directory]) -> Directory | None:
    """Read a directory and add it to those that were found, by where it begins; None where the pointer is 0."""
    start = _number(file, pointer, form, form.place_letter)
    if start == 0:
        return None
    if start in found or len(found) >= _MOST_DIRECTORIES:
        raise _damaged("its directories lead round in circles")
    found[start] = read_directory(file, pointer, form)
    return found[start]


def _pointers_below(directory: Directory) -> range:
    """Where in the file stands where the directories below this one begin."""
    entry, size = directory.entries.get(_SUB_DIRECTORIES), directory.form.size(directory.form.place_letter)
    if entry is None:
        return range(0)
    if _SIZES.get(entry.kind) != size:
        raise _damaged("its directories are not told by places")
    return range(entry.place, entry.place + entry.number * size, size)


def _entries(file: IO[bytes], begin: int, count: int, form: Form) -> tuple[dict[int, Entry], int]:
    """Entries of a directory, and where they end."""
    head, room = form.size(f"HH{form.place_letter}"), form.size(form.place_letter)
    step = head + room
    records = _take(file, begin, step * count)
    found = {}
    for at in range(0, step * count, step):
        tag, kind, number = form.unpack(f"HH{form.place_letter}", records[at : at + head])
        value, place = records[at + head : at + step], begin + at + head
        if kind not in _SIZES:  # nobody knows how long its values are: it is copied as it stands
            found[tag] = Entry(kind, number, value, 0)
            continue
        length = _SIZES[kind] * number
        if length > room:
            place = form.unpack(form.place_letter, value)[0]
        found[tag] = Entry(kind, number, _take(file, place, length), place)
    return found, begin + step * count


def _number(file: IO[bytes], place: int, form: Form, letter: str) -> int:
    return int(form.unpack(letter, _take(file, place, form.size(letter)))[0])


def _take(file: IO[bytes], place: int, length: int) -> bytes:
    if length > _LARGEST:
        raise _damaged(f"a tag of {length:,} bytes")
    if place + length > end_of(file):
        raise _damaged("it ends before its directory says so")
    file.seek(place)
    return file.read(length)


def _append(file: IO[bytes], data: bytes, form: Form) -> int:
    place = end_of(file)
    place += file.write(b"\0" * (place % 2))
    if not form.big and place + len(data) >= 2**32:
        raise DataError("a TIFF file of 4 GiB", "its places take 32 bits", "write a BigTIFF file")
    file.write(data)
    return place


def _damaged(why: str) -> DataError:
    return DataError("this file", f"cannot be read ({why})", "check that the file is complete")
