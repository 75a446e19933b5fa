from django.apps import AppConfig


class ServiceDeskConfig(AppConfig):
    name = "servicedesk"

    def ready(self) -> None:
        from servicedesk import checks  # noqa: F401  (registers the system checks)
