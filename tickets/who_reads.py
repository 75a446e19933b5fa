"""Who can read a request, in words: by name while they are few, by number when they are many."""

from typing import NamedTuple

from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Organisation, Person
from tickets.trail import READERS_READ, Human

# More representatives than this are counted in the sentence; the list below it names them.
FEW = 4
# So many stand in the list below it; the others are counted there too.
NAMED = 50


class Named(NamedTuple):
    """One reader in the list of all, and by what right they read."""

    name: str
    why: str


class WhoReads(NamedTuple):
    """The people who can read one request; our staff can always."""

    reader_id: int
    # Whether the reader may know the names of those who represent the organisation.
    names_them: bool
    organisation: str
    # Active ones, by name; at most READERS_READ.
    representatives: tuple[Human, ...]
    # Nobody yet, on the form.
    requester: Human | None
    guests: tuple[Human, ...] = ()

    @property
    def sentence(self) -> str:
        """'You, Rita and Colin of Bakery Ltd, Anna (invited) and our staff can read this request.'"""
        return _("%(people)s can read this request.") % {"people": self._people()}

    @property
    def future_sentence(self) -> str:
        """The same before the request is sent."""
        return _("%(people)s will be able to read this request.") % {"people": self._people()}

    @property
    def everybody(self) -> tuple[Named, ...]:
        """By name, at most NAMED; nothing where the sentence has named all of them."""
        if self._are_few or not self.names_them:
            return ()
        others = [Named(one.name, _("invited")) for one in self._guests]
        if self._outsider is not None:
            others.append(Named(self._outsider.name, _("asked for it")))
        return tuple([*(Named(one.name, self.organisation) for one in self._others), *others][:NAMED])

    @property
    def unnamed(self) -> int:
        """How many more there are than `everybody` names."""
        if not self.everybody:
            return 0
        outsiders = len(self._guests) + (self._outsider is not None)
        return max(0, len(self._others) + outsiders - len(self.everybody))

    def _people(self) -> str:
        groups = [_("You")] if self._reads_as_customer else []
        groups += self._representatives()
        if self._outsider is not None:
            groups.append(self._outsider.name)
        if self._guests:
            names = get_text_list([guest.name for guest in self._guests[:FEW]], _("and"))
            more = len(self._guests) - FEW
            if more > 0:
                names = _("%(people)s and %(number)d more") % {
                    "people": ", ".join(guest.name for guest in self._guests[:FEW]),
                    "number": more,
                }
            groups.append(_("%(people)s (invited)") % {"people": names})
        return get_text_list([*groups, _("our staff")], _("and"))

    def _representatives(self) -> list[str]:
        if not self._others:
            return []
        if not self.names_them:
            return [_("the representatives of %(organisation)s") % {"organisation": self.organisation}]
        if self._are_few:
            names = get_text_list([person.name for person in self._others], _("and"))
            return [_("%(people)s of %(organisation)s") % {"people": names, "organisation": self.organisation}]
        said = ngettext(
            "%(number)s other person of %(organisation)s",
            "%(number)s other people of %(organisation)s",
            len(self._others),
        )
        more = "+" if len(self.representatives) >= READERS_READ else ""
        return [said % {"number": f"{len(self._others)}{more}", "organisation": self.organisation}]

    @property
    def _reads_as_customer(self) -> bool:
        people = (*self.representatives, *self.guests)
        known = any(person.id == self.reader_id for person in people)
        return known or self.requester is None or self.requester.id == self.reader_id or not self.names_them

    @property
    def _others(self) -> tuple[Human, ...]:
        return tuple(person for person in self.representatives if person.id != self.reader_id)

    @property
    def _are_few(self) -> bool:
        return len(self._others) <= FEW and len(self._guests) <= FEW

    @property
    def _guests(self) -> tuple[Human, ...]:
        return tuple(guest for guest in self.guests if guest.is_active and guest.id != self.reader_id)

    @property
    def _outsider(self) -> Human | None:
        """The requester, where they represent nobody here."""
        person = self.requester
        if person is None or not person.is_active or person.id == self.reader_id:
            return None
        return None if any(one.id == person.id for one in self.representatives) else person


def who_will_read(person: Person, organisation: Organisation | None) -> WhoReads:
    """Of a request that somebody is about to send."""
    people = (
        Person.objects.active().filter(representations__organisation=organisation).order_by("name", "id")
        if organisation is not None
        else Person.objects.none()
    )
    return WhoReads(
        reader_id=person.pk,
        names_them=True,
        organisation=str(organisation or ""),
        representatives=tuple(Human(one.pk, str(one), one.is_staff, one.is_active) for one in people[:READERS_READ]),
        requester=None,
    )
