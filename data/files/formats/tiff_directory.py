"""Directories of TIFF-like files entry by entry, as bytes: for copies that keep all that they do not change.

Entries that are copied keep the place of their values, so what points into the file from elsewhere (notes of a camera's maker
do) still points to the same bytes. Classic TIFF and BigTIFF, and the raw files that are TIFF under another number.

TIFF 6.0 (1992), section 2; BigTIFF by its number 43.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, NamedTuple

from bsn.data.errors import DataError

#: Bytes of one value of each type.
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
SUB_DIRECTORIES = 330
_LETTERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_RATIONALS = {5: "I", 10: "i"}
_WORDS = 2
_BIG = 43
# 42 is TIFF, 43 BigTIFF; Olympus and Panasonic count otherwise.
_NUMBERS = {42, _BIG, 0x4F52, 0x5352, 0x55}
_MOST_DIRECTORIES = 64
_LARGEST = 256 * 2**20  # bytes of one value


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
    order : {"<", ">"}
        Byte order.
    big : bool
        Whether places take 64 bits.
    """

    entries: Mapping[int, Entry]
    following: int
    pointer: int
    order: str
    big: bool

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
        if entry is None or entry.kind not in SIZES:
            return ()
        if entry.kind in _RATIONALS:
            parts = struct.unpack(f"{self.order}{2 * entry.number}{_RATIONALS[entry.kind]}", entry.data)
            return tuple(a / b if b else 0.0 for a, b in zip(parts[::2], parts[1::2], strict=True))
        return struct.unpack(f"{self.order}{entry.number}{_LETTERS.get(entry.kind, 'B')}", entry.data)

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

    def text(self, tag: int) -> str:
        """Words of a tag.

        Parameters
        ----------
        tag : int
            Its number.

        Returns
        -------
        str
            Empty where there are none.
        """
        entry = self.entries.get(tag)
        return entry.data.split(b"\0")[0].decode("latin-1").strip() if entry is not None else ""


def make_entry(kind: int, values: tuple[float, ...] | bytes, order: str) -> Entry:
    """Make an entry that a file does not have yet.

    Parameters
    ----------
    kind : int
        TIFF type; rationals are made of millionths.
    values : tuple of float, or bytes
        What it says.
    order : {"<", ">"}
        Byte order of the file.

    Returns
    -------
    Entry
    """
    if isinstance(values, bytes):
        return Entry(kind, len(values) // SIZES[kind], values, 0)
    if kind in _RATIONALS:
        parts = [part for value in values for part in (round(value * 1_000_000), 1_000_000)]
        return Entry(kind, len(values), struct.pack(f"{order}{len(parts)}{_RATIONALS[kind]}", *parts), 0)
    numbers = values if kind in (11, 12) else [int(value) for value in values]
    return Entry(kind, len(values), struct.pack(f"{order}{len(values)}{_LETTERS[kind]}", *numbers), 0)


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
    order, big, pointer = _header(file)
    found: list[Directory] = []
    _follow(file, pointer, order, big, found, set())
    return found


def read_directory(file: IO[bytes], pointer: int, order: str, big: bool) -> Directory:
    """Read one directory.

    Parameters
    ----------
    file : binary file
        Opened for reading.
    pointer : int
        Where in the file stands where it begins.
    order : {"<", ">"}
        Byte order.
    big : bool
        Whether places take 64 bits.

    Returns
    -------
    Directory

    Raises
    ------
    DataError
        It leaves the file.
    """
    start = _place(file, pointer, order, big)
    count = struct.unpack(f"{order}{'Q' if big else 'H'}", _take(file, start, 8 if big else _WORDS))[0]
    step, begin = (20, start + 8) if big else (12, start + _WORDS)
    entries = dict(_entries(file, begin, count, order, big))
    return Directory(entries, _place(file, begin + step * count, order, big), pointer, order, big)


def write_directory(file: IO[bytes], entries: Mapping[int, Entry], following: int, order: str, big: bool) -> int:
    """Write a directory at the end of a file.

    Parameters
    ----------
    file : binary file
        Opened for reading and writing.
    entries : mapping
        Those that have a place and do not fit into the directory stay where they are; the others are written.
    following : int
        Where the next directory begins.
    order : {"<", ">"}
        Byte order.
    big : bool
        Whether places take 64 bits.

    Returns
    -------
    int
        Where it begins.

    Raises
    ------
    DataError
        The file would be longer than its places can tell.
    """
    room, word = (8, "Q") if big else (4, "I")
    records = []
    for tag in sorted(entries):
        entry = entries[tag]
        if len(entry.data) <= room:
            value = entry.data.ljust(room, b"\0")
        else:
            value = struct.pack(order + word, entry.place or _append(file, entry.data, big))
        records.append(struct.pack(f"{order}HH{word}", tag, entry.kind, entry.number) + value)
    head = struct.pack(f"{order}{'Q' if big else 'H'}", len(records))
    return _append(file, head + b"".join(records) + struct.pack(order + word, following), big)


def point(file: IO[bytes], pointer: int, place: int, order: str, big: bool) -> None:
    """Let a pointer of a file point elsewhere.

    Parameters
    ----------
    file : binary file
        Opened for writing.
    pointer : int
        Where the pointer stands.
    place : int
        Where it is to point to.
    order : {"<", ">"}
        Byte order.
    big : bool
        Whether places take 64 bits.
    """
    file.seek(pointer)
    file.write(struct.pack(f"{order}{'Q' if big else 'I'}", place))


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


def _header(file: IO[bytes]) -> tuple[str, bool, int]:
    head = _take(file, 0, 8)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    number = struct.unpack(f"{order or '<'}H", head[2:4])[0]
    if order is None or number not in _NUMBERS:
        raise _damaged("it does not begin like a TIFF file")
    return order, number == _BIG, 8 if number == _BIG else 4


def _follow(file: IO[bytes], pointer: int, order: str, big: bool, found: list[Directory], seen: set[int]) -> None:
    while (start := _place(file, pointer, order, big)) != 0:
        if start in seen or len(seen) >= _MOST_DIRECTORIES:
            raise _damaged("its directories lead round in circles")
        seen.add(start)
        directory = read_directory(file, pointer, order, big)
        found.append(directory)
        below = directory.entries.get(SUB_DIRECTORIES)
        for number in range(below.number if below is not None else 0):
            assert below is not None
            _follow_one(file, below.place + number * SIZES[below.kind], directory, found, seen)
        pointer = start + _length(directory, file, start)


def _follow_one(file: IO[bytes], pointer: int, above: Directory, found: list[Directory], seen: set[int]) -> None:
    start = _place(file, pointer, above.order, above.big)
    if start in seen or len(seen) >= _MOST_DIRECTORIES:
        raise _damaged("its directories lead round in circles")
    seen.add(start)
    found.append(read_directory(file, pointer, above.order, above.big))


def _length(directory: Directory, file: IO[bytes], start: int) -> int:
    """Bytes from the start of a directory to its pointer to the next one."""
    word, head, step = ("Q", 8, 20) if directory.big else ("H", _WORDS, 12)
    count = struct.unpack(f"{directory.order}{word}", _take(file, start, head))[0]
    return int(head + step * count)


def _entries(file: IO[bytes], begin: int, count: int, order: str, big: bool) -> Iterator[tuple[int, Entry]]:
    step, word, room = (20, "Q", 8) if big else (12, "I", 4)
    records = _take(file, begin, step * count)
    for number in range(count):
        record = records[number * step : (number + 1) * step]
        tag, kind, values = struct.unpack(f"{order}HH{word}", record[: step - room])
        if kind not in SIZES:  # nobody knows how long its values are: it is copied as it stands
            yield tag, Entry(kind, values, record[-room:], 0)
            continue
        length = SIZES[kind] * values
        place = begin + number * step + step - room
        if length > room:
            place = struct.unpack(order + word, record[-room:])[0]
        yield tag, Entry(kind, values, _take(file, place, length), place)


def _place(file: IO[bytes], pointer: int, order: str, big: bool) -> int:
    return int(struct.unpack(f"{order}{'Q' if big else 'I'}", _take(file, pointer, 8 if big else 4))[0])


def _take(file: IO[bytes], place: int, length: int) -> bytes:
    if length > _LARGEST:
        raise _damaged(f"a tag of {length:,} bytes")
    file.seek(place)
    data = file.read(length)
    if len(data) < length:
        raise _damaged("it ends before its directory says so")
    return data


def _append(file: IO[bytes], data: bytes, big: bool) -> int:
    place = end_of(file)
    place += file.write(b"\0" * (place % 2))
    if not big and place + len(data) >= 2**32:
        raise DataError("a TIFF file of 4 GiB", "its places take 32 bits", "write a BigTIFF file")
    file.write(data)
    return place


def _damaged(why: str) -> DataError:
    return DataError("this file", f"cannot be read ({why})", "check that the file is complete")
