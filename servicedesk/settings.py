"""Few settings, all from the environment. What a desk decides for itself is tenant data, not a setting."""

from pathlib import Path

from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from servicedesk import environment as env
from servicedesk.logs import logging_config

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = env.text("SECRET_KEY")
# Keys before this one, newest first: what they sealed and signed stays good while a key is changed.
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
DEBUG = env.flag("DEBUG")
DEMO = env.flag("DEMO")
BASE_DOMAIN = env.text("BASE_DOMAIN", "localhost")
PORT = env.number("PORT", 8000, 1, 65535)
SMTP_PORT = env.number("SMTP_PORT", 8025, 1, 65535)
SMTP_HOST = env.text("SMTP_HOST", "127.0.0.1")
# 'https' behind a proxy that ends TLS; links in mails and secure cookies follow it.
PUBLIC_SCHEME = env.text("PUBLIC_SCHEME", "http")
# The port in links; behind a proxy there is none.
PUBLIC_PORT = env.text("PUBLIC_PORT", str(PORT) if PUBLIC_SCHEME == "http" else "")
# Forwarded headers are believed only when a proxy of ours stands in front.
TRUSTED_PROXIES = env.number("TRUSTED_PROXIES", 0, 0, 9)

# Hosts and networks of the operator's own to which a desk may point mailboxes and mail servers; all other private
# addresses are refused (accounts.outside).
PRIVATE_HOSTS_ALLOWED = env.words("PRIVATE_HOSTS_ALLOWED")
# TLS for the SMTP listener; LMTP for a mail server on the same machine, 'host:port' or a socket's path.
SMTP_TLS_CERT = env.text("SMTP_TLS_CERT", "")
SMTP_TLS_KEY = env.text("SMTP_TLS_KEY", "")
# Mail servers that stand before the listener and look at who sends: their word may count (Mailbox.relay).
RELAY_NETWORKS = env.words("RELAY_NETWORKS") or ["127.0.0.0/8", "::1"]
SMTP_CONNECTIONS = env.number("SMTP_CONNECTIONS", 100, 1)
SMTP_CONNECTIONS_PER_ADDRESS = env.number("SMTP_CONNECTIONS_PER_ADDRESS", 10, 1)
LMTP_ADDRESS = env.text("LMTP_ADDRESS", "")

# Which hosts are ours is data (accounts.TenantHost); TenantMiddleware answers all others with a plain page.
ALLOWED_HOSTS = ["*"]
USE_X_FORWARDED_HOST = False
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

INSTALLED_APPS = [
    "servicedesk",
    "accounts",
    "notifications",
    "tickets",
    "billing",
    "unfold",
    "django.contrib.admin",
    "django.forms",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "csp",
]

MIDDLEWARE = [
    "servicedesk.health.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "servicedesk.csp.PolicyMiddleware",
    "accounts.middleware.TenantMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "accounts.middleware.PersonMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "servicedesk.urls"
WSGI_APPLICATION = "servicedesk.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "servicedesk.context.frame",
            ],
        },
    }
]

# Widgets are rendered like pages, so that they may have templates of ours.
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# ---- database: two roles; this process connects as the one that owns nothing (see accounts/tenancy) ----

# A request that a person waits for is ended by the database rather than left to starve others. Jobs set none.
STATEMENT_TIMEOUT_MS = env.number("STATEMENT_TIMEOUT_MS", 0)
DATABASES = {
    "default": {
        # Django joins the tables of a filter before those that it only shows, so the order of the first four is all
        # there is to find: for a ticket's seven that takes the planner 0.8 ms, for all at once 3 ms.
        **env.database(join_collapse_limit=4, statement_timeout=STATEMENT_TIMEOUT_MS),
        "ATOMIC_REQUESTS": True,
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    }
}

REDIS_URL, CELERY_BROKER_URL = env.redis()
# Copies that share a server share neither jobs nor what is remembered of a desk, nor who logged in how often.
_QUEUES = env.text("QUEUE_PREFIX", "desk")
CACHES = {
    "default": {
        "BACKEND": "accounts.cache.DegradingRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": _QUEUES,
        "KEY_FUNCTION": "accounts.cache.key_of",
    }
}

# ---- people ----

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.auth.DeskBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email",)},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = reverse_lazy("account_login")
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
PASSWORD_RESET_TIMEOUT = 60 * 60 * 24

ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {"reset_password": "accounts.forms.ResetPasswordForm"}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_EMAIL_NOTIFICATIONS = False
ACCOUNT_SESSION_REMEMBER = None
ACCOUNT_RATE_LIMITS = {
    # A large office comes from one address.
    "login": f"{env.number('LOGINS_PER_MINUTE', 30, lowest=1)}/m/ip",
    "login_failed": "10/m/ip,5/5m/key",
    "reset_password": "20/m/ip,5/m/key",
}
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES

MFA_ADAPTER = "accounts.adapter.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_ALLOW_UNVERIFIED_EMAIL = True  # addresses are proved by invitation; allauth's own list of them is not used
MFA_RATE_LIMITS = {"webauthn_login": ACCOUNT_RATE_LIMITS["login"]}
MFA_FORMS = {
    "authenticate": "accounts.factor_forms.CodeForm",
    "reauthenticate": "accounts.factor_forms.CodeAgainForm",
    "activate_totp": "accounts.factor_forms.SetUpAppForm",
    "add_webauthn": "accounts.factor_forms.AddKeyForm",
    "edit_webauthn": "accounts.factor_forms.RenameKeyForm",
    "authenticate_webauthn": "accounts.factor_forms.KeyForm",
    "reauthenticate_webauthn": "accounts.factor_forms.KeyAgainForm",
    "login_webauthn": "accounts.factor_forms.PasskeyLoginForm",
}

SESSION_ENGINE = "accounts.sessions"
# With TLS the browser itself sees to it that no neighbour under the same domain can plant these cookies.
_PREFIX = "__Host-" if PUBLIC_SCHEME == "https" else ""
SESSION_COOKIE_NAME = f"{_PREFIX}desk_session"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 14
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_SCHEME == "https"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = f"{_PREFIX}desk_csrf"
CSRF_FAILURE_VIEW = "servicedesk.views.csrf_failure"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# ---- security ----

X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = PUBLIC_SCHEME == "https"
SECURE_HSTS_SECONDS = 60 * 60 * 24 * 365 if PUBLIC_SCHEME == "https" else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = False
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # HSTS for subdomains and
    "security.W021",  # preloading are the operator's decision: a tenant's own domain is not ours to commit
]

_STRICT: dict[str, list[str]] = {
    "default-src": [NONE],
    "script-src": [SELF],
    "style-src": [SELF],
    "img-src": [SELF, "data:"],
    "font-src": [SELF],
    "connect-src": [SELF],
    "manifest-src": [SELF],
    "frame-src": [SELF],
    "form-action": [SELF],
    "base-uri": [NONE],
    "frame-ancestors": [NONE],
}
CONTENT_SECURITY_POLICY = {"DIRECTIVES": _STRICT}
# Unfold's Alpine evaluates its attributes and sets styles inline; nothing else may.
ADMIN_CONTENT_SECURITY_POLICY = {
    **_STRICT,
    "script-src": [SELF, UNSAFE_EVAL],
    "style-src": [SELF, UNSAFE_INLINE],
}

# ---- languages ----

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("lv", "Latviešu"), ("cs", "Čeština"), ("pl", "Polski"), ("ru", "Русский")]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_NAME = "desk_language"
TIME_ZONE = "UTC"
USE_TZ = True
FORMAT_MODULE_PATH = ["servicedesk.formats"]

# ---- files ----

STATIC_URL = "/static/"
STATIC_ROOT = env.text("STATIC_ROOT", str(BASE_DIR / "var" / "static"))
STATICFILES_DIRS = [BASE_DIR / "static"]
FILES_ROOT = env.text("FILES_ROOT", str(BASE_DIR / "var" / "files"))
# Where demo mode keeps the mail that would have gone out to the world.
MAILBOX_ROOT = env.text("MAILBOX_ROOT", str(BASE_DIR / "var" / "mailbox"))
STORAGES = {
    # No public media folder exists: files leave only through the view that asks `visible_to`.
    "default": {"BACKEND": "accounts.storage.DurableFileSystemStorage", "OPTIONS": {"location": FILES_ROOT}},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
MAX_FILE_BYTES = 50 * 1024 * 1024
MAX_FILES = 20
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES = 40

# ---- mail and jobs ----

EMAIL_TIMEOUT = 30
# What happens to one request within so many seconds goes out as one message.
MAIL_BUNDLE_SECONDS = env.number("MAIL_BUNDLE_SECONDS", 120, 0, 3600)
globals().update(env.mail())

CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False  # our own logging, also there
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# A job does not pay for a new connection and a planner that has to learn: servicedesk/celery.py replaces dead ones.
CELERY_DB_REUSE_MAX = 1_000_000
# Without `max_retries: 0` a request waits six seconds for a broker that is down; the sweep finds what it missed.
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {
    "visibility_timeout": 900,
    "max_retries": 0,
    "socket_connect_timeout": 1,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Two copies may share one broker: every queue of this one begins with its own word.
CELERY_BROKER_TRANSPORT_OPTIONS["global_keyprefix"] = f"{_QUEUES}:"
CELERY_TASK_DEFAULT_QUEUE = "celery"
CELERY_TASK_ROUTES = {
    "tickets.tasks.process_incoming": {"queue": "mail-in"},
    "tickets.tasks.sweep_incoming": {"queue": "mail-in"},
    "tickets.tasks.collect_due_mailboxes": {"queue": "mail-in"},
    "tickets.tasks.collect_mailbox": {"queue": "mail-collect"},
    "tickets.tasks.watch_mail": {"queue": "clock"},
    "notifications.tasks.*": {"queue": "mail-out"},
    "tickets.clock.*": {"queue": "clock"},
    "billing.tasks.*": {"queue": "documents"},
    "accounts.thumbnails.*": {"queue": "documents"},
}
# A sweep finds by index what a broker lost; each costs one query when nothing is due.
CELERY_BEAT_SCHEDULE = {
    # Also for what waits for its two minutes, its summary or its morning.
    "mail-out": {"task": "notifications.tasks.sweep_outbox", "schedule": 10.0, "options": {"expires": 30}},
    "mail-in": {"task": "tickets.tasks.sweep_incoming", "schedule": 15.0, "options": {"expires": 30}},
    "mail-watch": {"task": "tickets.tasks.watch_mail", "schedule": 30.0, "options": {"expires": 60}},
    "mailboxes": {"task": "tickets.tasks.collect_due_mailboxes", "schedule": 15.0, "options": {"expires": 30}},
    "clocks": {"task": "tickets.clock.run_clocks", "schedule": 60.0},
    "sessions": {"task": "accounts.tasks.forget_expired_sessions", "schedule": 24 * 3600.0},
    "answers": {"task": "accounts.tasks.forget_kept_answers", "schedule": 24 * 3600.0},
    "uploads": {"task": "accounts.tasks.forget_old_uploads", "schedule": 3600.0},
    "thumbnails": {"task": "accounts.thumbnails.sweep_thumbnails", "schedule": 60.0},
    "documents": {"task": "billing.tasks.sweep_documents", "schedule": 60.0},
}

# ---- the API: JSON only, described by OpenAPI (accounts/api, tickets/api, servicedesk/api.py) ----

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["accounts.api.calls.JsonBody"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "accounts.api.calls.OnlyJson",
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.api.calls.BearerToken", "accounts.api.calls.PortalSession"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_THROTTLE_CLASSES": ["accounts.api.calls.CallRate"],
    "DEFAULT_THROTTLE_RATES": {"calls": "300/min"},
    "DEFAULT_SCHEMA_CLASS": "accounts.api.schema.Schema",
    "EXCEPTION_HANDLER": "accounts.api.base.answer_problem",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Service desk API",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "DESCRIPTION": (
        "Requests of one desk, for programs: the same verbs and the same rights as in the portal. A program acts for a "
        "person, by a token that the person makes in the portal (My details, Tokens for programs) and sends as "
        "`Authorization: Bearer desk_…` to the desk's own host.\n\n"
        "Moments are ISO 8601 with an offset, amounts are text with a currency. Every error is "
        "`application/problem+json` (RFC 9457): `code` is for programs, `detail` for people. What you may not see "
        "answers 404 like what does not exist.\n\n"
        "New fields may be added to answers at any time; what is there keeps its name and meaning."
    ),
    "TAGS": [
        {"name": "requests", "description": "Reading, filing, commenting."},
        {"name": "verbs", "description": "What can be done with a request: accept, reopen, start work, deliver …"},
        {"name": "you", "description": "The person for whom the program acts."},
    ],
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_SUFFIX": "",
    "ENUM_ADD_EXPLICIT_BLANK_NULL_CHOICE": False,
    "ENUM_NAME_OVERRIDES": {
        "EstimateState": "tickets.models.EstimateState",
        "EstimateLineKind": "tickets.models.EstimateLine.Kind",
        "VerbStyle": "tickets.api.shown.STYLES",
        "FieldType": "tickets.api.verbs.TYPES",
    },
    "SORT_OPERATIONS": False,
    "SORT_OPERATION_PARAMETERS": False,
    "SCHEMA_PATH_PREFIX": "/api/v[0-9]+",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None, "defaultModelsExpandDepth": 0},
}

UNFOLD = {
    "SITE_TITLE": "servicedesk.admin_site.header",
    "SITE_HEADER": "servicedesk.admin_site.header",
    "SITE_SUBHEADER": _("Service desk"),
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("favicon.svg")}],
    "SITE_URL": "/",
    "STYLES": [lambda request: static("admin/desk-admin.css")],
    "SCRIPTS": [lambda request: static("shared.js"), lambda request: static("admin/desk-admin.js")],
    "COLORS": {"primary": "servicedesk.admin_site.palette"},
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": True,
    "LANGUAGES": {"navigation": "servicedesk.admin_site.languages", "action": reverse_lazy("set_language")},
    "SIDEBAR": {"show_search": False, "navigation": "servicedesk.admin_site.navigation"},
}

LOGGING_CONFIG = None
LOGGING = logging_config(plain=env.flag("LOG_PLAIN", default=True), level=env.text("LOG_LEVEL", "INFO"))
