"""Every address of the product. A new one needs its door (accounts.access) and its row in tests/test_urls.py."""

from allauth.account import views as allauth_views
from django.urls import path, re_path

from accounts import views as accounts_views
from billing import views as billing_views
from servicedesk import views
from servicedesk.admin_site import site
from tickets import views as tickets_views

urlpatterns = [
    path("", views.home, name="home"),
    path("contact/", views.contact, name="contact"),
    path("brand.css", accounts_views.brand_css, name="brand_css"),
    path("language/", accounts_views.set_language, name="set_language"),
    path("act-for/", accounts_views.act_for, name="act_for"),
    path("invitation/<str:token>/", accounts_views.invitation, name="invitation"),
    path("requests/", tickets_views.requests, name="requests"),
    path("requests/new/", tickets_views.request_new, name="request_new"),
    path("requests/new/<int:type_id>/", tickets_views.request_form, name="request_form"),
    path("requests/<str:reference>/", tickets_views.request_detail, name="request"),
    path("requests/<str:reference>/comment/", tickets_views.request_comment, name="request_comment"),
    path("requests/<str:reference>/accept/", tickets_views.request_accept, name="request_accept"),
    path("requests/<str:reference>/reopen/", tickets_views.request_reopen, name="request_reopen"),
    path("files/<int:file_id>/", tickets_views.file, name="file"),
    path("invoices/", billing_views.invoices, name="invoices"),
    path("invoices/<str:number>/", billing_views.invoice, name="invoice"),
    path("invoices/<str:number>/pdf/", billing_views.invoice_pdf, name="invoice_pdf"),
    # Only what this house uses of allauth: no sign-up, no e-mail management.
    path("account/login/", allauth_views.login, name="account_login"),
    path("account/logout/", allauth_views.logout, name="account_logout"),
    path("account/password/change/", allauth_views.password_change, name="account_change_password"),
    path("account/password/reset/", allauth_views.password_reset, name="account_reset_password"),
    path("account/password/reset/done/", allauth_views.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^account/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        allauth_views.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "account/password/reset/key/done/",
        allauth_views.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path("account/signup/", allauth_views.signup, name="account_signup"),
    path("account/inactive/", allauth_views.account_inactive, name="account_inactive"),
    path("account/reauthenticate/", allauth_views.reauthenticate, name="account_reauthenticate"),
    path("account/password/set/", allauth_views.password_set, name="account_set_password"),
    path("demo/mail/", views.demo_mail, name="demo_mail"),
    path("demo/mail/send/", views.demo_mail_send, name="demo_mail_send"),
    path("demo/mail/<str:key>/", views.demo_mail_message, name="demo_mail_message"),
    path("demo/mail/<str:key>/html/", views.demo_mail_html, name="demo_mail_html"),
    path("demo/design/", views.design, name="design"),
    path("admin/", site.urls),
]
