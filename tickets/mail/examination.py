"""The button 'Test this mailbox': goes as far as it goes, says what it found, and changes nothing there."""

from concurrent.futures import ThreadPoolExecutor

from django.db import connection
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.findings import Finding, no_encryption
from accounts.outside import NotOutside, check_host
from accounts.sealed import CannotOpenError
from tickets.mail.imap import CannotCollect, Connection, Lost, NotEncrypted, Refusal, secret_of
from tickets.mail.oauth import NotNow, Withdrawn
from tickets.models.mailboxes import AfterStoring, Mailbox, Security

MOST_NAMED = 12  # folders
# Somebody waits for the page, and a thread of the web server with them, however slowly the server talks.
LONGEST_LIFE = 25.0  # seconds


def examine(mailbox: Mailbox) -> list[Finding]:
    """Go as far as it goes, and change nothing in the mailbox. What a failure makes impossible is left out."""
    return _Examination(mailbox).findings()


def examine_apart(mailbox: Mailbox) -> list[Finding]:
    """As `examine`, for a request: on a database connection of its own. The request's transaction would keep a token
    that is renewed on the way locked for as long as the server talks, and take it back if anything failed."""
    language = translation.get_language()

    def run() -> list[Finding]:
        try:
            with translation.override(language):
                return examine(mailbox)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(run).result()


class _Examination:
    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox
        self.connection = Connection(mailbox, "", life=LONGEST_LIFE)

    def findings(self) -> list[Finding]:
        steps = (self._server, self._connect, self._encryption, self._log_in, self._folder, self._target, self._idle)
        found: list[Finding] = []
        try:
            for step in steps:
                found += filter(None, [step()])
                if not (found[-1].ok or found[-1].goes_on):
                    break
        finally:
            self.connection.close()
        return found

    def _server(self) -> Finding:
        what = _("Server")
        try:
            check_host(self.mailbox.host)
        except NotOutside as refusal:
            return Finding(what, False, str(refusal.sentence))
        return Finding(what, True, _("The server's name was found."))

    def _connect(self) -> Finding:
        what = _("Connection")
        self.refused_encryption = ""
        try:
            self.connection.connect()
        except NotEncrypted as failure:
            self.refused_encryption = str(failure)
        except Refusal as refusal:
            return Finding(what, False, str(refusal))
        except (Lost, NotOutside) as failure:
            return Finding(what, False, _with_advice(failure, _("Check the server's name and its port.")))
        return Finding(what, True, _("The server answers."))

    def _encryption(self) -> Finding:
        what = _("Encryption")
        if self.refused_encryption:
            advice = _("Check the server's name, the encryption and the port: TLS mostly has 993 and STARTTLS 143.")
            return Finding(what, False, _with_advice(self.refused_encryption, advice))
        if self.mailbox.security == Security.NONE:
            return no_encryption()
        return Finding(what, True, _("The certificate is valid."))

    def _log_in(self) -> Finding:
        what = _("Log-in")
        try:
            self.connection.secret = secret_of(self.mailbox)
            self.connection.log_in()
        except (CannotOpenError, Withdrawn, NotNow) as failure:
            return Finding(what, False, str(failure))
        except CannotCollect as failure:
            advice = _("Check user name and password. Many providers ask for a password that is made for programs.")
            return Finding(what, False, _with_advice(failure, advice))
        return Finding(what, True, _("The server knows the user name and the password."))

    def _folder(self) -> Finding:
        what = _("Folder")
        try:
            messages, unread = self.connection.select(only_look=True).messages, self.connection.unread()
        except CannotCollect as failure:
            return Finding(what, False, _with_advice(failure, self._advice_on_folders()))
        counts = {"folder": self.mailbox.folder, "messages": messages, "unread": unread}
        return Finding(what, True, _("“%(folder)s” has %(messages)d messages, %(unread)d of them unread.") % counts)

    def _advice_on_folders(self) -> str:
        try:
            names = self.connection.folders()
        except CannotCollect:
            return _("Check the name of the folder.")
        return _("There are these folders: %(names)s.") % {"names": ", ".join(names[:MOST_NAMED])}

    def _target(self) -> Finding | None:
        if self.mailbox.after_storing != AfterStoring.MOVE:
            return None
        what, name = _("Folder to move to"), self.mailbox.move_to
        if not name or name == self.mailbox.folder:
            return Finding(what, False, _("Choose a folder other than the one that is collected."))
        try:
            is_there = self.connection.has_folder(name)
        except CannotCollect as failure:
            return Finding(what, False, str(failure))
        there, made = (
            _("“%(folder)s” is there."),
            _("“%(folder)s” is not there yet. It is made with the first message."),
        )
        return Finding(what, True, (there if is_there else made) % {"folder": name})

    def _idle(self) -> Finding:
        what = _("New messages")
        try:
            has_idle = self.connection.has_idle()
        except CannotCollect as failure:
            return Finding(what, False, str(failure))
        at_once = _("The server tells of new messages at once (IDLE).")
        return Finding(what, True, at_once if has_idle else _("The server is asked for new messages every minute."))


def _with_advice(failure: object, advice: str) -> str:
    words = str(failure)
    return f"{words} {advice}" if words.endswith((".", "?")) else f"{words}. {advice}"
