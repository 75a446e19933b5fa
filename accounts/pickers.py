"""Fields in which a row is found by typing, in the admin."""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin.widgets import AutocompleteSelect

from accounts.access import row_number


class Picker(AutocompleteSelect):
    """Django's, which looks up what was posted to show it again, and fails when that is no number."""

    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        ids = [one for one in value if row_number(str(one))]
        return super().optgroups(name, ids, attr)
