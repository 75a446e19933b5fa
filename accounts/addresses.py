"""E-mail addresses in the one form in which they are stored and compared with `=`."""

import re

# Deliberately narrower than RFC 5321: what no provider gives out only serves to look like somebody else.
_ADDRESS = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")


def normalise_address(address: str) -> str:
    """Lower-cased address with an IDNA domain, or '' when it is none.

    Only ASCII letters are lower-cased: 'K' (U+212A) would become a 'k' and so another person's address.
    """
    local, at, domain = address.strip().rpartition("@")
    if not at or not local.isascii():
        return ""
    try:
        domain = domain.encode("idna").decode() if not domain.isascii() else domain
    except UnicodeError:
        return ""
    normal = f"{local}@{domain}".lower()
    return normal if _ADDRESS.fullmatch(normal) and ".." not in domain else ""
