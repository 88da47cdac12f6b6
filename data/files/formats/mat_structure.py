"""Whether a MATLAB file of version 5 is built as its format demands.

scipy believes what a file says of itself: an element of a type that cannot stand in its place crashes the whole process. All
tags are therefore followed once before, without keeping any pixel.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import BinaryIO

__all__ = ["check_structure"]

_HEADER = 128
_INT32, _UINT32, _MATRIX, _COMPRESSED = 5, 6, 14, 15
_NAMES = {1, 2, 16}
_SIDES = {_INT32, _UINT32}
_NUMBERS = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8}
"""Bytes of each type of numbers."""
_TEXT = _NUMBERS | {16: 1, 17: 2, 18: 4}
_CELL, _STRUCT, _OBJECT, _CHAR, _SPARSE, _FUNCTION, _OPAQUE = 1, 2, 3, 4, 5, 16, 17
_NUMERIC = range(6, 16)
_IS_COMPLEX = 0x800
_DEEPEST = 64


def check_structure(path: Path) -> bool:
    """Follow all tags of a version 5 file.

    Parameters
    ----------
    path : Path
        The file. Files of version 4 are not looked at.

    Returns
    -------
    bool
        Whether a variable is complex.

    Raises
    ------
    ValueError
        If an element is longer than what holds it, or of a type that cannot stand there.
    """
    with path.open("rb") as file:
        header = file.read(_HEADER)
        order = {b"IM": "<", b"MI": ">"}.get(header[126:128])
        if order is None or 0 in header[:4]:
            return False
        size, is_complex = path.stat().st_size, False
        while file.tell() < size:
            kind, length = struct.unpack(order + "2I", _exactly(file.read(8), 8))
            end = file.tell() + length
            if end > size:
                raise ValueError(f"an element of {length} bytes reaches beyond the end of the file")
            if kind == _COMPRESSED:
                elements = _Elements(_Unpacked(file, length), order)
                elements.matrix_at_top()
            elif kind == _MATRIX:
                elements = _Elements(_Plain(file, length), order)
                elements.matrix(length, 0)
            else:
                raise ValueError(f"an element of type {kind} stands where a variable is expected")
            is_complex |= elements.is_complex
            file.seek(end)
    return is_complex


def _exactly(data: bytes, count: int) -> bytes:
    if len(data) != count:
        raise ValueError("the file ends within an element")
    return data


class _Plain:
    """Bytes of an element, read or skipped in order."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file, self._left = file, length
        self.taken = 0

    def take(self, count: int, *, keep: bool = True) -> bytes:
        """Next bytes; nothing if they are only skipped."""
        if count > self._left:
            raise ValueError("an element reaches beyond the one that holds it")
        self._left -= count
        self.taken += count
        if keep:
            return _exactly(self._file.read(count), count)
        self._file.seek(count, 1)
        return b""


class _Unpacked:
    """Bytes of a compressed element, unpacked piece by piece."""

    _PIECE = 1 << 20

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file, self._left = file, length
        self._unpacker = zlib.decompressobj()
        self._packed = b""
        self.taken = 0

    def take(self, count: int, *, keep: bool = True) -> bytes:
        """Next bytes; nothing if they are only skipped."""
        kept = []
        self.taken += count
        while count:
            piece = self._next(min(count, self._PIECE))
            count -= len(piece)
            if keep:
                kept.append(piece)
        return b"".join(kept)

    def _next(self, most: int) -> bytes:
        while True:
            if not self._packed:
                self._packed = self._file.read(min(self._left, self._PIECE))
                self._left -= len(self._packed)
            ended = not self._packed
            piece = self._unpacker.decompress(self._packed, most)
            self._packed = self._unpacker.unconsumed_tail
            if piece:
                return piece
            if ended:
                raise ValueError("a compressed element ends too early")


class _Elements:
    """Tags of one variable."""

    def __init__(self, data: _Plain | _Unpacked, order: str) -> None:
        self._data, self._order = data, order
        self.is_complex = False

    def matrix_at_top(self) -> None:
        """A variable with its own tag."""
        kind, length = self._numbers("I", self._data.take(8))
        if kind != _MATRIX:
            raise ValueError(f"a compressed element holds type {kind}, not a variable")
        self.matrix(length, 0)

    def matrix(self, length: int, depth: int) -> None:
        """A variable behind its tag; those within cells and structures may be empty."""
        if not length:
            return
        if depth > _DEEPEST:
            raise ValueError("cells or structures lie deeper in each other than any program writes")
        start = self._data.taken
        flags = self._numbers("I", self._element({_UINT32}))
        if len(flags) != 2:
            raise ValueError("a variable has no flags")
        kind, is_complex = flags[0] & 0xFF, bool(flags[0] & _IS_COMPLEX)
        self.is_complex |= is_complex
        if kind == _OPAQUE:  # an object of a MATLAB class, which is laid out in another way and not read as an image
            self._rest(length - (self._data.taken - start))
            return
        sides = self._numbers("i", self._element(_SIDES))
        if len(sides) < 2 or min(sides) < 0:
            raise ValueError(f"a variable has the size {sides}")
        self._element(_NAMES)
        self._contents(kind, sides, is_complex, depth)

    def _rest(self, length: int) -> None:
        if length < 0:
            raise ValueError("an element reaches beyond the one that holds it")
        self._data.take(length, keep=False)

    def _contents(self, kind: int, sides: tuple[int, ...], is_complex: bool, depth: int) -> None:
        count = 1
        for side in sides:
            count *= side
        if kind in _NUMERIC:
            for _ in range(1 + is_complex):
                self._values(_NUMBERS, count)
        elif kind == _CHAR:
            self._values(_TEXT, None)
        elif kind == _SPARSE:  # rows, columns, values; MATLAB says 8 bytes of logical values that are one byte long
            for types in (_SIDES, _SIDES, *[_NUMBERS] * (1 + is_complex)):
                self._values(dict.fromkeys(types, 1), None)
        elif kind == _FUNCTION:
            self._inner(1, depth)
        elif kind in (_CELL, _STRUCT, _OBJECT):
            self._inner(count * (1 if kind == _CELL else self._fields(kind)), depth)
        else:
            raise ValueError(f"a variable is of class {kind}, which does not exist")

    def _fields(self, kind: int) -> int:
        if kind == _OBJECT:
            self._element(_NAMES)
        (length,) = self._numbers("i", self._element({_INT32}))[:1] or (0,)
        names = self._element(_NAMES)
        if length < 1 or len(names) % length:
            raise ValueError("the names of a structure's fields cannot be read")
        return len(names) // length

    def _inner(self, count: int, depth: int) -> None:
        for _ in range(count):
            kind, length = self._numbers("I", self._data.take(8))
            if kind != _MATRIX:
                raise ValueError(f"an element of type {kind} stands where a cell or field is expected")
            self.matrix(length, depth + 1)

    def _values(self, types: dict[int, int], count: int | None) -> None:
        kind, length, small = self._tag(set(types))
        if length % types[kind] or (count is not None and length // types[kind] != count):
            raise ValueError(f"a variable of {count} values has {length} bytes of values")
        self._data.take(4 if small else length + -length % 8, keep=False)

    def _element(self, types: set[int]) -> bytes:
        _, length, small = self._tag(types)
        whole = self._data.take(4 if small else length + -length % 8)
        return whole[:length]

    def _tag(self, types: set[int]) -> tuple[int, int, bool]:
        """Type and length of an element, and whether its bytes stand in the tag."""
        (first,) = self._numbers("I", self._data.take(4))
        small = bool(first >> 16)
        kind, length = (first & 0xFFFF, first >> 16) if small else (first, *self._numbers("I", self._data.take(4)))
        if kind not in types or (small and length > 4):
            raise ValueError(f"an element of type {kind} and {length} bytes cannot stand in its place")
        return kind, length, small

    def _numbers(self, letter: str, data: bytes) -> tuple[int, ...]:
        return struct.unpack(f"{self._order}{len(data) // 4}{letter}", data[: len(data) // 4 * 4])
