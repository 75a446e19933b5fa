"""What a subject says about the kind of request: 'Jauns Service Desk lietotājs' asks for a new user (B21)."""

import unicodedata

import pytest

from accounts.models import Person
from conftest import Desk
from tickets.models import Mailbox, RequestType, SubjectRule
from tickets.tests.letters import letter, mailbox, receive, ticket_of


@pytest.fixture
def rule(inside: Desk) -> SubjectRule:
    """The preset's own."""
    found: SubjectRule = SubjectRule.objects.get()
    return found


def type_of(subject: str, box: Mailbox | None = None) -> RequestType | None:
    kind: RequestType | None = ticket_of(receive(letter("nora@new.example", subject), box=box)).request_type
    return kind


def other_type() -> RequestType:
    return RequestType.objects.latest("id")


@pytest.mark.parametrize(
    "subject",
    [
        "Jauns Service Desk lietotājs",
        "Jauns Service Desk lietotājs: Anna Ozola",
        "JAUNS SERVICE DESK LIETOTĀJS",
        "jauns service desk lietotajs",
        unicodedata.normalize("NFD", "Jauns Service Desk lietotājs"),
        "Jauns  Service Desk\xa0lietotājs",
        "Re: Jauns Service Desk lietotājs",
        "FW: Jauns Service Desk lietotājs",
        "Atb.: Jauns Service Desk lietotājs",
        "Pārs.: RE[2]: fwd: Jauns Service Desk lietotājs",
        unicodedata.normalize("NFD", "Pārs.: Jauns Service Desk lietotājs"),
    ],
)
def test_b21_the_subject_asks_for_a_new_user(rule: SubjectRule, subject: str) -> None:
    assert type_of(subject) == rule.request_type


@pytest.mark.parametrize(
    "subject", ["Service Desk lietotājs", "Par: Jauns Service Desk lietotājs", "Jauns Service Desk", "Re: ", ""]
)
def test_another_subject_asks_for_nothing_particular(rule: SubjectRule, subject: str) -> None:
    assert type_of(subject) is None


def test_b21_a_new_person_is_spoken_to_in_the_rules_language(rule: SubjectRule) -> None:
    receive(letter("nora@new.example", rule.begins_with))
    assert Person.objects.get(email="nora@new.example").language == "lv"


def test_a_new_person_is_spoken_to_in_the_desks_language_otherwise(rule: SubjectRule) -> None:
    receive(letter("nora@new.example"))
    assert Person.objects.get(email="nora@new.example").language == "en"


def test_a_known_person_keeps_their_language(rule: SubjectRule, inside: Desk) -> None:
    receive(letter(inside.requester.email, rule.begins_with))
    assert Person.objects.get(pk=inside.requester.pk).language == "en"


def test_the_mailboxes_own_rule_goes_before_the_general_one(rule: SubjectRule) -> None:
    SubjectRule.objects.create(mailbox=mailbox(), begins_with="Jauns", request_type=other_type())
    assert type_of(rule.begins_with) == other_type()


def test_another_mailboxes_rule_says_nothing_here(rule: SubjectRule) -> None:
    other = mailbox("sales@alpha.localhost")
    SubjectRule.objects.create(mailbox=other, begins_with=rule.begins_with, request_type=other_type())
    assert type_of(rule.begins_with) == rule.request_type


def test_a_longer_beginning_goes_before_a_shorter_one(rule: SubjectRule) -> None:
    SubjectRule.objects.create(begins_with="Jauns", request_type=other_type())
    assert type_of(rule.begins_with) == rule.request_type


def test_marks_in_front_make_a_beginning_no_longer(rule: SubjectRule) -> None:
    SubjectRule.objects.create(begins_with="Re: Re: Re: Re: Re: Re: Jauns", request_type=other_type())
    assert type_of(rule.begins_with) == rule.request_type


def test_a_rule_of_nothing_but_marks_is_for_no_subject(rule: SubjectRule) -> None:
    SubjectRule.objects.create(begins_with="Re:", request_type=other_type())
    assert type_of("Re: printer") is None


def test_what_a_mailbox_is_for_says_the_type_of_the_rest(rule: SubjectRule) -> None:
    assert type_of("Printer", mailbox(request_type=other_type())) == other_type()


def test_a_rule_goes_before_what_the_mailbox_is_for(rule: SubjectRule) -> None:
    assert type_of(rule.begins_with, mailbox(request_type=other_type())) == rule.request_type


def test_a_rule_without_a_type_leaves_it_to_the_mailbox(rule: SubjectRule) -> None:
    SubjectRule.objects.create(begins_with="Printer", language="lv")
    assert type_of("Printer", mailbox(request_type=other_type())) == other_type()


def test_another_desks_rules_say_nothing_here(desk: Desk, rival: Desk) -> None:
    with rival.entered():
        SubjectRule.objects.create(begins_with="Printer", request_type=other_type())
    with desk.entered():
        assert type_of("Printer") is None
