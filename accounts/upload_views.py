"""Sending files in pieces: announced by POST, each piece by PATCH, where it stands by GET, taken back by DELETE."""

from collections.abc import Callable
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpResponse, JsonResponse
from django.views.decorators.http import require_http_methods

from accounts import uploads
from accounts.access import get_or_404, person_required, row_number
from accounts.errors import Refused
from accounts.http import PersonRequest
from accounts.models import Upload
from accounts.problems import MEDIA_TYPE, answer, problem

STATUSES = {"size": 413, "too_many": 429, "wrong_offset": 409}
MOST_ASKED = 100


@person_required
@require_http_methods(["GET", "POST"])
def uploads_of_person(request: PersonRequest) -> HttpResponse:
    """GET: which of the named uploads are still there. POST: announce one, by name and size."""
    if request.method == "GET":
        rows = uploads.of_person(request.person).filter(public_id__in=asked(request))
        return JsonResponse({"uploads": [shown(row) for row in rows]})
    name, size = request.POST.get("name", ""), row_number(request.POST.get("size", ""))
    return answered(lambda: uploads.begin(by=request.person, name=name, size=size), status=201)


def asked(request: PersonRequest) -> list[UUID]:
    ids = []
    for text in request.GET.getlist("id")[:MOST_ASKED]:
        try:
            ids.append(UUID(text))
        except ValueError:  # what is no number names nothing
            continue
    return ids


@person_required
@require_http_methods(["GET", "HEAD", "PATCH", "DELETE"])
def upload(request: PersonRequest, upload_id: UUID) -> HttpResponse:
    """One upload of the person's own. PATCH adds the body where the header Upload-Offset says."""
    row = get_or_404(uploads.of_person(request.person), public_id=upload_id)
    if request.method == "PATCH":
        text = request.headers.get("Upload-Offset", "")
        if not (text.isascii() and text.isdecimal()) or not request.body:
            return answer(400, "bad_request")
        # The body was read before this transaction began; of one that was cut off it is what arrived.
        return answered(lambda: uploads.append(row, offset=row_number(text), piece=request.body))
    if request.method == "DELETE":
        uploads.remove(row)
        return HttpResponse(status=204)
    return answered(lambda: row)


def answered(deed: Callable[[], Upload], *, status: int = 200) -> HttpResponse:
    """Where the upload stands now, or why not."""
    try:
        row = deed()
    except uploads.WrongOffset as refusal:
        document = {**problem(409, refusal.code, str(refusal.sentence)), "offset": refusal.right}
        return standing_at(refusal.right, JsonResponse(document, status=409, content_type=MEDIA_TYPE))
    except Refused as refusal:
        return answer(STATUSES.get(refusal.code, 422), refusal.code, str(refusal.sentence))
    except ObjectDoesNotExist:  # removed meanwhile
        raise Http404 from None
    return standing_at(row.received, JsonResponse(shown(row), status=status))


def standing_at(offset: int, response: HttpResponse) -> HttpResponse:
    response.headers["Upload-Offset"] = str(offset)
    return response


def shown(row: Upload) -> dict[str, object]:
    return {"id": str(row.public_id), "name": row.name, "size": row.size, "offset": row.received}
