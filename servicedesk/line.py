"""The line of apps, from the one that knows nobody to the roof (docs/structure.md)."""

APPS = ("accounts", "notifications", "tickets", "billing", "servicedesk")
