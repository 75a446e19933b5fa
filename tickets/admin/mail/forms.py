"""The form of a mailbox: what is wrong is said at its field."""

import re
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.addresses import normalise_address
from accounts.admin.secrets import SecretField, needs_secret_again
from accounts.fields import LineField
from accounts.outside import NotOutside, check_host
from tickets.mail.keeping import find_mailbox
from tickets.models import Mailbox
from tickets.models.mailboxes import AfterStoring, LogIn, Way

# With another of these the stored password would be shown to somebody else.
WHERE_IT_GOES = ("host", "port", "username", "security")
_DIRECTORY = re.compile(r"[A-Za-z0-9.-]*")


class MailboxForm(forms.ModelForm):  # type: ignore[type-arg]
    new_password = SecretField(label=gettext_lazy("Password"))
    new_client_secret = SecretField(label=gettext_lazy("Client secret"))
    # Set where the database has said that another desk has the address, which no form of this desk can see.
    is_taken = False

    class Meta:
        model = Mailbox
        # The keys are added inside of a desk: their choices are its rows.
        fields = ("address", "relay", "host", "username", "folder", "move_to", "client_id", "directory")
        field_classes = dict.fromkeys(fields, LineField)

    def clean_address(self) -> str:
        address = normalise_address(self.cleaned_data["address"])
        if not address:
            raise forms.ValidationError(_("This is not an e-mail address."), code="address")
        if "+" in address:
            raise forms.ValidationError(_("Enter the address without what begins with a plus sign."), code="plus")
        if self.is_taken or find_mailbox(address) or Mailbox.objects.filter(address=address).exists():
            raise forms.ValidationError(_("Mail to this address belongs to a desk already."), code="taken")
        return address

    def clean_directory(self) -> str:
        name: str = self.cleaned_data["directory"]
        if not _DIRECTORY.fullmatch(name):
            raise forms.ValidationError(_("Enter the id or the domain of your directory."), code="directory")
        return name

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("way") == Way.IMAP:
            self._check_server(values)
            self._check_log_in(values)
            self._check_after_storing(values)
        return values

    def _check_server(self, values: dict[str, Any]) -> None:
        needed = {"host": _("Enter the name of the IMAP server."), "username": _("Enter the user name.")}
        for name, sentence in needed.items():
            if not values.get(name) and name not in self.errors:
                self.add_error(name, sentence)
        try:
            if values.get("host"):
                check_host(values["host"])
        except NotOutside as refusal:
            self.add_error("host", str(refusal))

    def _check_log_in(self, values: dict[str, Any]) -> None:
        if values.get("log_in") != LogIn.PASSWORD:
            if not values.get("client_id"):
                self.add_error("client_id", _("Enter the id under which this desk is registered at the provider."))
            return
        password = values.get("new_password", "")
        if not password and not self.instance.password and "new_password" not in self.errors:
            self.add_error("new_password", _("Enter the password."))
        if needs_secret_again(self, secret=password, stored=self.instance.password, where=WHERE_IT_GOES):
            self.add_error("new_password", _("Enter it again: the stored one was for another server or user."))

    def _check_after_storing(self, values: dict[str, Any]) -> None:
        if values.get("after_storing") != AfterStoring.MOVE:
            return
        if not values.get("move_to"):
            self.add_error("move_to", _("Enter the folder to which messages are moved."))
        elif values["move_to"] == values.get("folder"):
            self.add_error("move_to", _("This is the folder that is collected. Choose another one."))
