"""Where a request comes from: its address, and its browser in two words, enough to tell one's own devices apart."""

from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.http import HttpRequest

LONGEST_REFERER = 2000

# The first that matches names it: most browsers claim to be several others besides.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Macintosh", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def browser_of(user_agent: str) -> str:
    """'Firefox, Linux': names that no language changes. '' for what is no browser that we know."""
    found = (_first(_BROWSERS, user_agent[:500]), _first(_SYSTEMS, user_agent[:500]))
    return ", ".join(name for name in found if name)


def address_of(request: HttpRequest) -> str | None:
    """The visitor's address, which our own proxies name; what else is forwarded was written by anybody."""
    forwarded = request.headers.get("X-Forwarded-For", "").split(",")
    proxies = settings.TRUSTED_PROXIES
    behind = 0 < proxies <= len(forwarded)
    said = forwarded[-proxies].strip() if behind else request.META.get("REMOTE_ADDR", "")
    try:
        return str(ip_address(said))
    except ValueError:
        return None


def page_before(request: HttpRequest) -> SplitResult:
    """The page that the browser names as the one it comes from; empty where that is no address."""
    try:
        return urlsplit(request.headers.get("Referer", "")[:LONGEST_REFERER])
    except ValueError:  # it looks like one and is none: 'http://['
        return urlsplit("")


def _first(names: tuple[tuple[str, str], ...], text: str) -> str:
    return next((name for sign, name in names if sign in text), "")
