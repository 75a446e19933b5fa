"""Telephone numbers: typed as people type them, kept in one form ('+37120000000;ext=12'), shown internationally."""

import re

import phonenumbers
from django.utils.translation import gettext as _

# An extension follows a letter or one of three signs, whatever its word is in which language: 'ext. 12', ', 12', '#12'.
_TYPED = re.compile(r"(\+?[0-9\s().\-/‐-―]+?)(?:\s*(?:[,;#]|[^\W\d_])[^0-9]{0,12}([0-9]{1,7}))?\s*")
_EXTENSION = ";ext="


def normalise_phone(text: str, region: str = "") -> str:
    """The number as it is kept, or '' for what is none. Without '+' or '00' it is one of `region`, a country's letters.

    The form is E.164; the extension comes behind it as in RFC 3966.
    """
    typed = _TYPED.fullmatch(text.strip())
    if typed is None:
        return ""
    number = _parsed("+" + typed[1][2:] if typed[1].startswith("00") else typed[1], region)
    if number is None or not phonenumbers.is_valid_number(number):
        return ""
    kept = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"{kept}{_EXTENSION}{typed[2]}" if typed[2] else kept


def shown_phone(kept: str) -> str:
    """'+371 20 000 000 ext. 12'. What was entered before numbers were judged is shown as it is."""
    plain, _sign, extension = kept.partition(_EXTENSION)
    number = _parsed(plain, "")
    if number is None:
        return kept
    shown = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    return _("%(number)s ext. %(extension)s") % {"number": shown, "extension": extension} if extension else shown


def _parsed(text: str, region: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException:
        return None
