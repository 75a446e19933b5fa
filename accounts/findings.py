"""What a test of something that a desk has set up says, step by step."""

from dataclasses import dataclass

from django.utils.translation import gettext as _


@dataclass(frozen=True)
class Finding:
    """What was looked at, whether it is as it should be, and a sentence about it."""

    what: str
    ok: bool
    words: str
    # It is not as it should be, and yet the next step can be tried.
    goes_on: bool = False


def no_encryption() -> Finding:
    words = _("None: whoever carries the connection can read mail and password.")
    return Finding(_("Encryption"), False, words, goes_on=True)
