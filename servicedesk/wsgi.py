import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "servicedesk.settings")
application = get_wsgi_application()

from servicedesk.role import ensure_bound_by_policies  # noqa: E402  (needs the settings)

ensure_bound_by_policies()
