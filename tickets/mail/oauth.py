"""OAuth 2 with Microsoft 365 and Google Workspace: a mailbox is opened without its password being known here.

By authorisation code with PKCE (RFC 6749, RFC 7636). Tokens are sealed where they are stored, and the providers are
asked outside of our transactions as far as the caller is.
"""

import secrets
from base64 import urlsafe_b64encode
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlencode

import requests
import structlog
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.sealed import seal, unseal, without
from accounts.tenancy import enter
from tickets.mail.clean import one_line
from tickets.models.mailboxes import LogIn, Mailbox

log = structlog.get_logger(__name__)

TIMEOUT = 20.0  # seconds
# A token that ends sooner is renewed before it is used.
ENOUGH = timedelta(minutes=5)
# Where a provider does not say how long its token is good.
USUAL_LIFE = 3600  # seconds
# Answers by which a provider says: no more, until a person agrees again or somebody corrects the settings.
_FOR_GOOD = {
    "access_denied",
    "consent_required",
    "interaction_required",
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "login_required",
    "unauthorized_client",
    "unsupported_grant_type",
}
_ABOUT_OURSELVES = {"invalid_client", "unauthorized_client"}


class Withdrawn(Exception):  # noqa: N818 - read as a sentence: raise Withdrawn(…)
    """The provider does not let us in any more. Its text says what to do; trying again is of no use."""


class NotNow(Exception):  # noqa: N818
    """The provider could not be reached or was not well. Trying again later may help."""


@dataclass(frozen=True)
class Endpoints:
    authorize: str
    token: str


_GOOGLE = Endpoints("https://accounts.google.com/o/oauth2/v2/auth", "https://oauth2.googleapis.com/token")
_MICROSOFT = "https://login.microsoftonline.com/{directory}/oauth2/v2.0/"
_SCOPES = {
    LogIn.MICROSOFT: "https://outlook.office.com/IMAP.AccessAsUser.All offline_access",
    LogIn.GOOGLE: "https://mail.google.com/",
}
# Without these Google gives a refresh token at the first time only.
_EXTRAS = {LogIn.MICROSOFT: {"response_mode": "query"}, LogIn.GOOGLE: {"access_type": "offline", "prompt": "consent"}}


def entered(mailbox: Mailbox) -> AbstractContextManager[None]:
    """The desk of the mailbox, for as long as a row is read or written."""
    assert mailbox.tenant_id is not None
    return enter(mailbox.tenant_id)


def authorize_url(mailbox: Mailbox, redirect_uri: str, state: str) -> tuple[str, str]:
    """(where to send the person, the verifier to keep until they are back). `state` must not be guessable."""
    verifier = secrets.token_urlsafe(48)
    challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    provider = LogIn(mailbox.log_in)
    query = {
        "client_id": mailbox.client_id,
        "response_type": "code",
        "redirect_uri": redirect_uri,
        "scope": _SCOPES[provider],
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "login_hint": mailbox.username,
        **_EXTRAS[provider],
    }
    return f"{_endpoints(mailbox).authorize}?{urlencode(query)}", verifier


def complete(mailbox: Mailbox, code: str, verifier: str, redirect_uri: str) -> None:
    """Exchange the code that the person came back with for tokens. Raises Withdrawn, NotNow, CannotOpenError."""
    grant = {
        "grant_type": "authorization_code",
        "code": code,
        "code_verifier": verifier,
        "redirect_uri": redirect_uri,
    }
    answer = _ask(mailbox, grant)
    if not answer.get("refresh_token"):
        raise Withdrawn(_("The provider gave no lasting permission. Connect the mailbox again."))
    _keep(mailbox, answer)


def access_token(mailbox: Mailbox) -> str:
    """A token that is good for at least five minutes. `mailbox` has the new ones afterwards, as has its row.

    Raises Withdrawn, NotNow, CannotOpenError.
    """
    if mailbox.access_ends_at and mailbox.access_ends_at - timezone.now() > ENOUGH:
        return _opened(mailbox, mailbox.access_token)
    if not mailbox.refresh_token:
        raise Withdrawn(_("The mailbox is not connected with its provider yet. Connect it."))
    try:
        return _refreshed(mailbox)
    except Withdrawn:
        if not _was_renewed_by_another(mailbox):
            raise
        return _opened(mailbox, mailbox.access_token)


def _refreshed(mailbox: Mailbox) -> str:
    grant = {"grant_type": "refresh_token", "refresh_token": _opened(mailbox, mailbox.refresh_token)}
    if mailbox.log_in == LogIn.MICROSOFT:
        grant["scope"] = _SCOPES[LogIn.MICROSOFT]
    answer = _ask(mailbox, grant)
    _keep(mailbox, answer)
    return str(answer["access_token"])


def _was_renewed_by_another(mailbox: Mailbox) -> bool:
    """A refresh token that may be used once was used by somebody else a moment ago: theirs is as good."""
    used = mailbox.refresh_token
    with entered(mailbox):
        mailbox.refresh_from_db(fields=["refresh_token", "access_token", "access_ends_at"])
    is_good = mailbox.access_ends_at is not None and mailbox.access_ends_at > timezone.now()
    return mailbox.refresh_token != used and is_good


def _ask(mailbox: Mailbox, grant: dict[str, str]) -> dict[str, Any]:
    """The provider's answer to a grant. Raises Withdrawn, NotNow."""
    form = {"client_id": mailbox.client_id, **grant}
    if mailbox.client_secret:
        form["client_secret"] = _opened(mailbox, mailbox.client_secret)
    try:
        # The address is the provider's own; nothing that it answers leads us elsewhere.
        said = requests.post(_endpoints(mailbox).token, data=form, timeout=TIMEOUT, allow_redirects=False)
    except requests.RequestException as error:
        raise NotNow(_("The provider could not be reached (%(why)s).") % {"why": type(error).__name__}) from None
    answer = _json_of(said)
    if said.status_code == requests.codes.ok and answer.get("access_token"):
        return answer
    raise _failure(said.status_code, answer, form)


def _json_of(said: requests.Response) -> dict[str, Any]:
    """Empty for what is no JSON object: proxies and load balancers answer in HTML."""
    try:
        answer = said.json()
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _failure(status: int, answer: dict[str, Any], form: dict[str, str]) -> Exception:
    code = str(answer.get("error", ""))
    words = _without_secrets(str(answer.get("error_description") or code or status), form)
    log.warning("no token", status=status, error=one_line(code, 100))
    if status >= 500 or code not in _FOR_GOOD:
        return NotNow(_("The provider gave no token at the moment: %(words)s") % {"words": words})
    if code in _ABOUT_OURSELVES:
        return Withdrawn(
            _("The provider does not accept the client id or the client secret. Check both: %(words)s")
            % {"words": words}
        )
    return Withdrawn(
        _("The provider has withdrawn its permission. Connect the mailbox again: %(words)s") % {"words": words}
    )


def _without_secrets(words: str, form: dict[str, str]) -> str:
    for name in ("client_secret", "refresh_token", "code", "code_verifier"):
        words = without(form.get(name, ""), words)
    return one_line(words, 300)


def _keep(mailbox: Mailbox, answer: dict[str, Any]) -> None:
    """Store the tokens, unless somebody else stored newer ones since ours was read: both are good, and theirs stay."""
    before = mailbox.refresh_token
    with entered(mailbox):
        mailbox.access_token = seal(str(answer["access_token"]))
        mailbox.access_ends_at = timezone.now() + timedelta(seconds=_life(answer))
        # A provider may give a new refresh token with each answer; the old one then ends.
        mailbox.refresh_token = seal(str(answer["refresh_token"])) if answer.get("refresh_token") else before
        Mailbox.objects.filter(pk=mailbox.pk, refresh_token=before).update(
            access_token=mailbox.access_token,
            access_ends_at=mailbox.access_ends_at,
            refresh_token=mailbox.refresh_token,
        )


def _life(answer: dict[str, Any]) -> int:
    try:
        return max(0, min(int(answer.get("expires_in", USUAL_LIFE)), 24 * USUAL_LIFE))
    except (TypeError, ValueError):
        return USUAL_LIFE


def _opened(mailbox: Mailbox, sealed: str) -> str:
    with entered(mailbox):
        return unseal(sealed)


def _endpoints(mailbox: Mailbox) -> Endpoints:
    provider = LogIn(mailbox.log_in)
    if provider == LogIn.GOOGLE:
        return _GOOGLE
    base = _MICROSOFT.format(directory=quote(mailbox.directory.strip() or "common", safe=""))
    return Endpoints(f"{base}authorize", f"{base}token")
