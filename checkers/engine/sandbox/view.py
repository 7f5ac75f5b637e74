"""What a submission can see: an allowlist, of which a tree of its own is made.

Only what stands on the list is copied or bound into the tree; nothing has to be hidden that is not
there. Where the system's own folders hold a copy of what must stay out of sight, as when a course
is installed below /usr, an empty folder is put over it.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from checkers.engine.sandbox.inside.removal import remove_tree

PLACE = "/course"
"""Where the tree lies in a sandbox."""
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store")
_SETTINGS = (
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/localtime",
    "/sys/devices/system/cpu",
)


@dataclass(frozen=True)
class View:
    """What there is beside a submission's code.

    Attributes:
        files: what is copied: the place in the tree, and where it lies.
        folders: data that is large and bound instead, as it is.
        also: further files and folders, shown where they lie.
        secret: folders that must not be seen, wherever the system keeps copies of them.
        variables: environment variables that are handed on.
        preload: modules that submissions import, loaded once for all of them.
        preload_for: modules that take long to load, by a word without which neither a submission
            nor its probes import them: loaded, once for all, when the first comes that has it.
        not_importable: modules whose absence the self-test proves.
    """

    files: Mapping[str, Path]
    folders: Mapping[str, Path] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    secret: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    preload: tuple[str, ...] = ()
    preload_for: Mapping[str, str] = field(default_factory=dict)
    not_importable: tuple[str, ...] = ()


class Tree:
    """The copied part of a view, in a folder that goes when it is removed.

    Attributes:
        folder: where it lies.
    """

    def __init__(self, view: View) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="course-"))
        self.folder.chmod(0o755)  # read by whichever user runs the submissions
        for place, source in view.files.items():
            target = self.folder / place
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        for place, source in view.folders.items():
            target = self.folder / place
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.exists():
                _point_to(source.resolve(), target)

    def remove(self) -> None:
        """Remove the copy; what it only points to stays."""
        remove_tree(self.folder)


def _point_to(source: Path, target: Path) -> None:
    """A link; where the user may make none, as on Windows without its developer mode, a copy."""
    try:
        target.symlink_to(source, target_is_directory=True)
    except OSError:
        shutil.copytree(source, target)


def mounts(view: View) -> Iterator[tuple[str, bool]]:
    """The paths of the host to show (True) or to cover (False), outer ones first.

    They are the system's programs, Python, and the view's folders, each where it lies.
    """
    wanted = _wanted(view)
    done: dict[Path, bool] = {}
    for path in sorted({*wanted, *map(Path, view.secret)}):
        shows = path in wanted
        above = [outer for outer in done if path.is_relative_to(outer)]
        if shows != (done[max(above)] if above else False):
            done[path] = shows
            yield str(path), shows


def readable(view: View, tree: Tree) -> tuple[str, ...]:
    """What Landlock allows to read: the tree and the paths to show, less what is secret in them."""
    secret = [Path(path) for path in view.secret]
    paths = [piece for path in sorted(_wanted(view)) for piece in _without(path, secret)]
    return (str(tree.folder), *map(str, paths))


def _without(path: Path, secret: Sequence[Path]) -> Iterator[Path]:
    """`path`, or the parts of it that hold nothing secret."""
    if not any(hidden.is_relative_to(path) for hidden in secret):
        yield path
    elif path not in secret and path.is_dir():
        for entry in sorted(path.iterdir()):
            yield from _without(entry, secret)


def _wanted(view: View) -> set[Path]:
    python = [sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix]
    python += [entry for entry in sys.path if entry.endswith(("site-packages", "dist-packages"))]
    resolved = [str(Path(path).resolve()) for path in python]
    data = [str(source.resolve()) for source in view.folders.values()]
    paths = [*_SYSTEM, *_SETTINGS, *python, *resolved, *data, *view.also]
    return {Path(path).absolute() for path in paths if Path(path).exists()}


def environment(view: View, scratch: str, tree: str) -> dict[str, str]:
    """The environment of a worker: nothing of the user's own but what the view hands on."""
    names = (*view.variables, "LD_LIBRARY_PATH", "PATH", "SYSTEMROOT", "TZ")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return {
        **kept,
        "PYTHONPATH": tree,
        "HOME": scratch,
        "TMPDIR": scratch,
        "USER": "student",
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "MPLBACKEND": "agg",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONSAFEPATH": "",
    }


def self_test_arguments(view: View, tree: str, scratch: str) -> dict[str, list[str]]:
    """What the self-test must not find, and where it must not be able to write."""
    walled = scratch == "/tmp"  # of its own: what lies in the host's is not there
    home = _home()
    shown = [Path(path) for path, shows in mounts(view) if shows]
    shown += [] if walled else [Path(tree), Path(scratch)]
    with_home = [
        str(entry)
        for entry in _entries(home)
        if not any(path.is_relative_to(entry) or entry.is_relative_to(path) for path in shown)
    ]
    secret = [str(path) for folder in view.secret for path in sorted(Path(folder).glob("*.py"))]
    folders = ["/", "/usr", "/dev", "/etc", "/var/tmp", tree, sys.prefix]
    folders += [] if walled else ["/tmp", "/dev/shm"]
    if home is not None and not (walled and home.is_relative_to("/tmp")):
        folders.append(str(home))
    return {
        "must_not_read": secret + with_home,
        "must_not_import": list(view.not_importable),
        "must_not_write": folders,
    }


def _home() -> Path | None:
    """The user's own folder; None without one, as in a container that knows the user by number."""
    try:
        home = Path.home()
    except RuntimeError:
        return None
    return None if home == Path("/") else home


def _entries(folder: Path | None) -> list[Path]:
    """What lies in a folder, as far as it can be seen; 200 at most."""
    try:
        return [] if folder is None else sorted(folder.iterdir())[:200]
    except OSError:  # it is not there, or another user's
        return []
