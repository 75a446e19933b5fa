"""The link by which somebody invited chooses a password: signed, for one desk, for one use, for a week."""

from django.core import signing
from django.db import connection
from django.utils.crypto import salted_hmac

from accounts.models import Person, User
from accounts.tenancy import current_tenant_id

SALT = "accounts.invitation"
VALID_SECONDS = 7 * 24 * 60 * 60


def obtain_user(address: str) -> int:
    """The id of the account with this normalised address, made when there is none. Other desks may know it too."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT desk_obtain_user(%s)", [address])
        return int(cursor.fetchone()[0])


def make_token(person: Person) -> str:
    return signing.dumps([current_tenant_id(), person.pk, _fingerprint(person)], salt=SALT)


def read_token(token: str) -> Person | None:
    """The invited person, or None when the token is empty, used, old, tampered with or another desk's."""
    try:
        tenant_id, person_id, fingerprint = signing.loads(token, salt=SALT, max_age=VALID_SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    if tenant_id != current_tenant_id():
        return None
    person = Person.objects.active().select_related("user").filter(pk=person_id).first()
    if person is None or person.user is None or fingerprint != _fingerprint(person):
        return None
    # Who got the link proved the account's address; a person moved to another address since has not.
    return person if person.user.email == person.email else None


def _fingerprint(person: Person) -> str:
    """Changes as soon as a password is chosen, which uses the link up."""
    user = person.user
    state = f"{user.pk}:{user.password}" if isinstance(user, User) else ""
    return salted_hmac(SALT, state).hexdigest()[:20]
