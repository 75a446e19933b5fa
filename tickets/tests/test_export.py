"""The list as a file for spreadsheets: what the list shows, as text, whatever was written."""

import csv
import io

import pytest
from django.utils import translation

from conftest import Desk, Visit
from tickets import actions, export
from tickets.models import Ticket


def exported(desk: Desk, visit: Visit, query: str = "", who: str = "requester") -> list[list[str]]:
    answer = visit(desk, getattr(desk, who)).get(f"/requests/export/{query}")
    assert answer.status_code == 200
    return list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))


def test_a_row_for_each_request(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        desk.submit(subject="The ledger")
        desk.submit(subject="The printer")
    assert [row[1] for row in exported(desk, visit)] == ["Summary", "The printer", "The ledger"]


def test_it_says_who_asked_who_filed_it_and_when(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        ticket = desk.submit(by=desk.colleague, requester=desk.requester)
        Ticket.objects.filter(pk=ticket.pk).update(created_at="2026-01-02T22:30Z", due_date="2026-02-03")
    row = exported(desk, visit)[1]
    assert row[3:8] == ["Open", "Rye Bread Ltd", "Rita Requester", "Colin Colleague", "2026-01-03 00:30"]
    assert row[9] == "2026-02-03"


@pytest.mark.parametrize(("query", "count"), [("", 1), ("?state=closed", 1), ("?state=all", 2), ("?state=waiting", 0)])
def test_as_it_is_filtered(desk: Desk, visit: Visit, query: str, count: int) -> None:
    with desk.entered():
        desk.submit()
        actions.cancel(desk.submit(), by=desk.requester, text="No need.")
    assert len(exported(desk, visit, query)) == 1 + count


def test_as_it_is_searched(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        desk.submit(subject="The ledger")
        desk.submit(subject="The printer")
    assert [row[1] for row in exported(desk, visit, "?q=ledger")[1:]] == ["The ledger"]


@pytest.mark.parametrize("sort", ["activity", "newest", "oldest", "order"])
def test_all_of_many_in_each_order(desk: Desk, visit: Visit, monkeypatch: pytest.MonkeyPatch, sort: str) -> None:
    monkeypatch.setattr(export, "CHUNK", 2)
    with desk.entered():
        references = [desk.submit().reference for _ in range(7)]
    rows = exported(desk, visit, f"?sort={sort}&scope=organisation")
    wanted = references if sort in ("oldest", "order") else references[::-1]
    assert [row[0] for row in rows[1:]] == wanted


def test_what_is_too_much_says_so(desk: Desk, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "MOST", 2)
    with desk.entered():
        for _ in range(3):
            desk.submit()
    rows = exported(desk, visit)
    assert (len(rows), rows[-1]) == (
        4,
        ["Only the first 2 requests are in this file. Narrow the list down to get the others."],
    )


@pytest.mark.parametrize("subject", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_a_formula_is_text(desk: Desk, visit: Visit, subject: str) -> None:
    with desk.entered():
        desk.submit(subject=subject)
    assert exported(desk, visit)[1][1] == f"'{subject}"


@pytest.mark.parametrize("cell", ["\t=1", "\r=1"])
def test_and_so_is_what_a_program_skips_the_beginning_of(cell: str) -> None:
    assert export.safe(cell) == f"'{cell}"


def test_a_comma_and_a_quote_stay_in_their_cell(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        desk.submit(subject='The "big", red one; and more')
    assert exported(desk, visit)[1][1] == 'The "big", red one; and more'


def test_it_begins_with_the_mark_that_spreadsheets_know_utf_8_by(desk: Desk, visit: Visit) -> None:
    with desk.entered():
        desk.submit(subject="Žurnāls")
    content = b"".join(visit(desk, desk.requester).get("/requests/export/").streaming_content)
    assert content.startswith(b"\xef\xbb\xbf")
    assert "Žurnāls".encode() in content


def test_its_head_is_in_the_readers_language(desk: Desk) -> None:
    with desk.entered(), translation.override("lv"):
        content = export.as_csv(Ticket.objects.all(), sort="activity", has_books=True).read().decode("utf-8-sig")
    assert "Kopsavilkums" in content


def test_it_is_a_file_to_save_and_not_kept_on_the_way(desk: Desk, visit: Visit) -> None:
    headers = visit(desk, desk.requester).get("/requests/export/").headers
    assert headers["Content-Disposition"].startswith('attachment; filename="requests-20')
    assert "no-store" in headers["Cache-Control"]


def test_without_billing_there_are_no_words_for_books(desk: Desk, visit: Visit) -> None:
    desk.tenant.billing_enabled = False
    with desk.entered():
        desk.tenant.save(update_fields=["billing_enabled"])
    assert "Cost centre" not in exported(desk, visit)[0]


@pytest.mark.parametrize("scope", ["mine", "organisation", "shared"])
def test_nobody_takes_along_what_they_do_not_see(desk: Desk, rival: Desk, visit: Visit, scope: str) -> None:
    with desk.entered():
        desk.submit()
    assert len(exported(desk, visit, f"?scope={scope}&state=all", "stranger")) == 1
    assert len(exported(rival, visit, f"?scope={scope}&state=all", "requester")) == 1


@pytest.mark.parametrize("subject", ["x;=1+1;y", "x; @SUM(A1)", 'x;"=1'])
def test_a_cell_stays_one_where_semicolons_part_them(desk: Desk, visit: Visit, subject: str) -> None:
    """As spreadsheets do where a comma is the sign of decimals."""
    with desk.entered():
        desk.submit(subject=subject)
    answer = visit(desk, desk.requester).get("/requests/export/")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    cells = [cell.strip() for row in csv.reader(io.StringIO(text), delimiter=";") for cell in row]
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))] == []
