"""What images an HDF5 file holds, under whatever links.

A dataset has one name by which it is known: the first of its hard links. Soft links to it are other names of the same image,
which may be asked for but are no choice. External links lead to images of other files, which is how NeXus files hold theirs.
"""

from collections.abc import Iterator
from typing import Any

from bsn.data.files.formats.container import Listed


def list_datasets(file: Any) -> dict[str, Listed]:
    """List the datasets of an HDF5 file that can be images.

    Parameters
    ----------
    file : h5py.File
        The opened file.

    Returns
    -------
    dict of str to Listed
        Numeric datasets of two or more axes, in groups too, in alphabetical order, complex ones among them, to be refused
        with a reason. Links that lead nowhere are left out.
    """
    found: dict[str, Listed] = {}

    def visit(name: str, item: Any) -> None:
        if _is_image(item):
            found[name] = Listed(tuple(item.shape), item.dtype)

    file.visititems(visit)
    known = {_identity(file[name]) for name in found}
    for name, item in _behind_links(file, set()):
        if _is_image(item) and _identity(item) not in known:
            known.add(_identity(item))
            found[name] = Listed(tuple(item.shape), item.dtype)
    return dict(sorted(found.items()))


def known_name(file: Any, key: str | None, images: dict[str, Listed]) -> str | None:
    """Give the name by which an image is listed, for another name of it.

    Parameters
    ----------
    file : h5py.File
        The opened file.
    key : str or None
        A name that the user asks for.
    images : dict of str to Listed
        See `list_datasets`.

    Returns
    -------
    str or None
        `key` itself where it leads to no listed image.
    """
    stripped = None if key is None else key.strip("/")
    if not stripped or stripped in images:
        return key
    item = _item(file, stripped)
    names = () if item is None else (name for name in images if _identity(file[name]) == _identity(item))
    return next(iter(names), key)


def external_part(file: Any, name: str) -> str | None:
    """Find where the way to a dataset leaves the file.

    Parameters
    ----------
    file : h5py.File
        The opened file.
    name : str
        A dataset in it.

    Returns
    -------
    str or None
        Name of the link to another file; None for datasets of this file.
    """
    import h5py

    parts = name.strip("/").split("/")
    for count in range(1, len(parts) + 1):
        part = "/".join(parts[:count])
        if isinstance(file.get(part, getlink=True), h5py.ExternalLink):
            return part
    return None


def _is_image(item: Any) -> bool:
    import h5py

    return isinstance(item, h5py.Dataset) and item.dtype.kind in "uifbc" and len(item.shape or ()) >= 2


def _identity(item: Any) -> tuple[str, int]:
    """File and address of an object, which all links to it have in common."""
    import h5py

    return item.file.filename, int(h5py.h5o.get_info(item.id).addr)


def _item(group: Any, name: str) -> Any:
    """Object behind a name; None where a link leads nowhere."""
    try:
        return group[name]
    except (KeyError, OSError):
        return None


def _behind_links(group: Any, seen: set[tuple[str, int]], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Objects of a group and of the groups inside it, links followed; a group is entered once."""
    import h5py

    seen.add(_identity(group))
    for name in group:
        item, path = _item(group, name), prefix + name
        if isinstance(item, h5py.Group):
            if _identity(item) not in seen:
                yield from _behind_links(item, seen, f"{path}/")
        elif item is not None:
            yield path, item
