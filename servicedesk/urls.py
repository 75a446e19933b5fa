"""Every address of the product. A new one needs its door (accounts.access) and its row in tests/test_urls.py."""

from allauth.account import views as allauth_views
from allauth.mfa.base import views as mfa_views
from allauth.mfa.recovery_codes import views as codes_views
from allauth.mfa.totp import views as app_views
from allauth.mfa.webauthn import views as passkey_views
from django.urls import include, path, re_path

from accounts import deputy_views, factor_views, upload_views
from accounts import views as accounts_views
from billing import views as billing_views
from notifications import views as notifications_views
from servicedesk import api, views
from servicedesk.admin_site import site
from tickets import list_views
from tickets import views as tickets_views

urlpatterns = [
    path("", views.home, name="home"),
    path("contact/", views.contact, name="contact"),
    path("brand.css", accounts_views.brand_css, name="brand_css"),
    path("language/", accounts_views.set_language, name="set_language"),
    path("act-for/", accounts_views.act_for, name="act_for"),
    path("invitation/<str:token>/", accounts_views.invitation, name="invitation"),
    path("notices/", notifications_views.notices, name="notices"),
    path("notices/unread/", notifications_views.notices_unread, name="notices_unread"),
    path("notices/read/", notifications_views.notices_read, name="notices_read"),
    path("deputies/", deputy_views.deputies, name="deputies"),
    path("deputies/<int:deputy_id>/end/", deputy_views.deputy_end, name="deputy_end"),
    path("requests/", list_views.requests, name="requests"),
    path("requests/export/", list_views.requests_export, name="requests_export"),
    path("requests/order/", list_views.requests_order, name="requests_order"),
    path("requests/new/", tickets_views.request_new, name="request_new"),
    path("requests/new/<int:type_id>/", tickets_views.request_form, name="request_form"),
    path("requests/new/<int:type_id>/conditions/", tickets_views.request_conditions, name="request_conditions"),
    path("requests/<str:reference>/", tickets_views.request_detail, name="request"),
    path("requests/<str:reference>/news/", tickets_views.request_news, name="request_news"),
    path("requests/<str:reference>/comment/", tickets_views.request_comment, name="request_comment"),
    path("requests/<str:reference>/do/<str:name>/", tickets_views.request_do, name="request_do"),
    path("requests/<str:reference>/invite/", tickets_views.request_invite, name="request_invite"),
    path(
        "requests/<str:reference>/invited/<int:person_id>/remove/",
        tickets_views.request_uninvite,
        name="request_uninvite",
    ),
    path("requests/<str:reference>/attention/", tickets_views.request_attention, name="request_attention"),
    path("requests/<str:reference>/approvals/<int:approval_id>/", tickets_views.approval, name="approval"),
    path(
        "requests/<str:reference>/approvals/<int:approval_id>/record/",
        tickets_views.approval_record,
        name="approval_record",
    ),
    path("decide/<str:token>/", tickets_views.decide, name="decide"),
    path("files/<int:file_id>/", tickets_views.file, name="file"),
    path("files/<int:file_id>/small/", tickets_views.file_thumbnail, name="file_thumbnail"),
    path("uploads/", upload_views.uploads_of_person, name="uploads"),
    path("uploads/<uuid:upload_id>/", upload_views.upload, name="upload"),
    path("invoices/", billing_views.invoices, name="invoices"),
    path("invoices/<str:number>/", billing_views.invoice, name="invoice"),
    path("invoices/<str:number>/pdf/", billing_views.invoice_pdf, name="invoice_pdf"),
    path("account/", accounts_views.account, name="account"),
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
    path("account/mail/", notifications_views.mail_choices, name="mail_choices"),
    path("account/mail/stop/<str:token>/", notifications_views.mail_stop, name="mail_stop"),
    path("account/tokens/", accounts_views.tokens, name="tokens"),
    path("account/tokens/<int:token_id>/revoke/", accounts_views.token_revoke, name="token_revoke"),
    path("account/sessions/", accounts_views.sessions, name="sessions"),
    path("account/sessions/end-others/", accounts_views.sessions_end_others, name="sessions_end_others"),
    path("account/sessions/<str:mark>/end/", accounts_views.session_end, name="session_end"),
    path("account/data/", accounts_views.my_data, name="my_data"),
    path("account/inactive/", allauth_views.account_inactive, name="account_inactive"),
    path("account/reauthenticate/", allauth_views.reauthenticate, name="account_reauthenticate"),
    path("account/second-factor/", mfa_views.index, name="mfa_index"),
    path("account/second-factor/code/", mfa_views.authenticate, name="mfa_authenticate"),
    path("account/second-factor/again/", mfa_views.reauthenticate, name="mfa_reauthenticate"),
    path("account/second-factor/app/", app_views.activate_totp, name="mfa_activate_totp"),
    path("account/second-factor/app/remove/", app_views.deactivate_totp, name="mfa_deactivate_totp"),
    path("account/second-factor/codes/", codes_views.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("account/second-factor/codes/new/", factor_views.new_codes, name="mfa_generate_recovery_codes"),
    # One page shows all factors; allauth leads back to this name.
    path("account/passkeys/", mfa_views.index, name="mfa_list_webauthn"),
    path("account/passkeys/add/", passkey_views.add_webauthn, name="mfa_add_webauthn"),
    path("account/passkeys/again/", passkey_views.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"),
    path("account/passkeys/login/", passkey_views.login_webauthn, name="mfa_login_webauthn"),
    path("account/passkeys/<int:pk>/name/", passkey_views.edit_webauthn, name="mfa_edit_webauthn"),
    path("account/passkeys/<int:pk>/remove/", passkey_views.remove_webauthn, name="mfa_remove_webauthn"),
    path("account/password/set/", allauth_views.password_set, name="account_set_password"),
    path("demo/mail/", views.demo_mail, name="demo_mail"),
    path("demo/mail/send/", views.demo_mail_send, name="demo_mail_send"),
    path("demo/mail/<str:key>/", views.demo_mail_message, name="demo_mail_message"),
    path("demo/mail/<str:key>/html/", views.demo_mail_html, name="demo_mail_html"),
    path("demo/design/", views.design, name="design"),
    path("admin/", site.urls),
    path("api/v1/", include((api.urlpatterns, "api"))),
    re_path(r"^api/", api.nothing, name="api_nothing"),
]

handler400, handler403, handler404, handler500 = api.bad_request, api.forbidden, api.not_found, api.server_error
