"""Files on their way: they come in pieces, before the form that names them, so that a lost connection loses nothing.

An upload belongs to one person. When it is complete it is a StoredFile that nobody can read until a verb takes it.
"""

import hashlib
import io
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from tempfile import TemporaryFile
from typing import IO, TypeAlias
from uuid import UUID

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.files import check_size, no_files_of_failures, remove_bytes, save_bytes, store
from accounts.models import Person, StoredFile, Upload
from accounts.names import safe_name

# What a form gives to a verb: bytes that came with it, or what came before it.
SentFile: TypeAlias = "File[bytes] | Upload"

# So many forms full of files may wait to be sent; the disk is everybody's.
FORMS_WAITING = 3
# A file of 50 MB is about fifty; who sends single bytes is not sending a file.
MOST_PIECES = 1000
DAYS_KEPT = 7
FORGET_BATCH = 200


class WrongOffset(Refused):
    """A piece that does not go on where the upload stands: `right` is where."""

    def __init__(self, right: int) -> None:
        super().__init__(_("The upload stands at another place."), code="wrong_offset")
        self.right = right


def of_person(person: Person) -> "models.QuerySet[Upload]":
    """The uploads that this person sends and nobody has used yet: all that they ever see of uploads."""
    return Upload.objects.filter(person=person, used_at=None)


def finished(person: Person, ids: Iterable[str]) -> list[Upload]:
    """The person's complete uploads of these ids, in that order. Those that a form has used are among them: the same
    form may come twice."""
    wanted = list(dict.fromkeys(filter(None, map(_uuid, ids))))
    rows = Upload.objects.filter(person=person, public_id__in=wanted, file__isnull=False)
    found = {row.public_id: row for row in rows} if wanted else {}
    return [found[one] for one in wanted if one in found]


def unfinished_names(person: Person, ids: Iterable[str]) -> list[str]:
    """What the person began to send under these ids and has not finished."""
    rows = of_person(person).filter(public_id__in=list(filter(None, map(_uuid, ids))), file=None)
    return list(rows.order_by("pk").values_list("name", flat=True))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


# ---- sending ----


@transaction.atomic
def begin(*, by: Person, name: str, size: int) -> Upload:
    """Announce a file of so many bytes. Raises Refused for one that is empty or too large, and when enough wait."""
    check_size(name, size)
    if _room_for(by) <= 0:
        raise Refused(
            _("Many of your files wait to be sent. Send or remove some of them, or go on in a few days."),
            code="too_many",
        )
    return Upload.objects.create(person=by, name=safe_name(name), size=size)


def _room_for(person: Person) -> int:
    # Two at once see each other's.
    Person.objects.select_for_update(no_key=True).only("pk").get(pk=person.pk)
    return FORMS_WAITING * settings.MAX_FILES - of_person(person).count()


def append(upload: Upload, *, offset: int, piece: bytes) -> Upload:
    """Add what goes on at `offset`; the last piece makes the file. Raises WrongOffset, and Refused for what is more
    than was announced."""
    with no_files_of_failures(), transaction.atomic():
        upload = _locked(upload)
        if offset != upload.received:
            raise WrongOffset(upload.received)
        if upload.received + len(piece) > upload.size:
            raise Refused(_("This is more than the file has."), code="size")
        if len(upload.pieces) >= MOST_PIECES:
            raise Refused(_("This file came in too many pieces. Remove it and choose it again."), code="pieces")
        if piece:
            key = save_bytes(io.BytesIO(piece))
            upload.pieces.append([key, hashlib.sha256(piece).hexdigest()])
            upload.received += len(piece)
        if upload.received == upload.size and upload.file_id is None:
            _put_together(upload)
        upload.save(update_fields=["pieces", "received", "file"])
    return upload


def _locked(upload: Upload) -> Upload:
    """Of two pieces at once the second sees the first one's end. Raises Upload.DoesNotExist."""
    return Upload.objects.select_for_update().get(pk=upload.pk, used_at=None)


def _put_together(upload: Upload) -> None:
    """One file of all pieces. If the storage has lost or changed one, the upload begins anew."""
    with TemporaryFile() as whole:
        if all(_copied(key, digest, whole) for key, digest in upload.pieces):
            upload.file = store(whole, name=upload.name, by=upload.person)
        else:
            upload.received = 0
    remove_bytes(key for key, _digest in upload.pieces)
    upload.pieces = []


def _copied(key: str, digest: str, whole: IO[bytes]) -> bool:
    try:
        with default_storage.open(key) as stored:
            piece = stored.read()
    except FileNotFoundError:
        return False
    whole.write(piece)
    return hashlib.sha256(piece).hexdigest() == digest


def remove(upload: Upload) -> None:
    """The person does not want to send it any more. A verb that has just taken it keeps it."""
    with transaction.atomic():
        _delete(Upload.objects.select_for_update(of=("self",)).filter(pk=upload.pk, used_at=None))


@transaction.atomic
def keep(files: "Iterable[File[bytes]]", *, by: Person) -> list[Upload]:
    """Uploads of what came with a form that was refused, as many as there is room for: they need not be chosen
    again."""
    sent = list(files)
    kept = sent[: max(_room_for(by), 0)] if sent else []
    rows = [store(file, name=file.name or "", by=by) for file in kept]
    return Upload.objects.bulk_create(
        Upload(person=by, name=row.name, size=row.size, received=row.size, file=row) for row in rows
    )


# ---- using ----


def take(files: "Sequence[SentFile]", *, by: Person) -> list[StoredFile]:
    """What a verb keeps of what a form gave it, inside the verb's transaction. Raises Refused, code 'files', for an
    upload that another form has used: a file belongs to one thing only."""
    ids = [one.pk for one in files if isinstance(one, Upload)]
    free = Upload.objects.select_for_update().select_related("file").filter(pk__in=ids, person=by, used_at=None)
    mine = {row.pk: row.file for row in free.filter(file__isnull=False).order_by("pk")} if ids else {}
    for one in files:
        if isinstance(one, Upload) and one.pk not in mine:
            sentence = _("“%(name)s” was sent already. Remove it here, or choose it again.")
            raise Refused(sentence % {"name": one.name}, code="files")
    Upload.objects.filter(pk__in=mine).update(used_at=timezone.now())
    return [mine.pop(one.pk) if isinstance(one, Upload) else store(one, name=one.name or "", by=by) for one in files]


# ---- forgetting ----


def old_before(now: datetime) -> datetime:
    return now - timedelta(days=DAYS_KEPT)


@transaction.atomic
def forget_old(now: datetime) -> int:
    """Remove a batch of what nobody sent for a week, and the traces of what was; returns how many went."""
    old = Upload.objects.select_for_update(skip_locked=True, of=("self",)).filter(created_at__lt=old_before(now))
    rows = list(old.select_related("file").order_by("created_at")[:FORGET_BATCH])
    _delete(rows)
    return len(rows)


def _delete(rows: Iterable[Upload]) -> None:
    """The rows, and the bytes of those that no verb took."""
    doomed = list(rows)
    unused = [row for row in doomed if row.used_at is None]
    Upload.objects.filter(pk__in=[row.pk for row in doomed]).delete()
    remove_bytes(key for row in unused for key, _digest in row.pieces)
    remove_bytes(row.file.key for row in unused if row.file is not None)
    StoredFile.objects.filter(pk__in=[row.file_id for row in unused if row.file_id is not None]).delete()
