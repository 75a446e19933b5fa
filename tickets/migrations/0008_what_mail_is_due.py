from django.db import migrations

FUNCTIONS = """
CREATE FUNCTION desk_due_mailboxes(moment timestamptz) RETURNS TABLE (tenant_id bigint, mailbox_id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT m.tenant_id, m.id FROM tickets_mailbox m JOIN accounts_tenant t ON t.id = m.tenant_id
    WHERE m.next_look_at IS NOT NULL AND m.is_active AND m.next_look_at <= moment AND m.way = 'imap' AND t.is_active
    ORDER BY m.next_look_at
$$;

CREATE FUNCTION desk_watched_mailboxes() RETURNS TABLE (tenant_id bigint, mailbox_id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT m.tenant_id, m.id FROM tickets_mailbox m JOIN accounts_tenant t ON t.id = m.tenant_id
    WHERE m.way = 'imap' AND m.is_active AND m.has_idle AND t.is_active
$$;

-- What stands still since the moment, desk by desk, and which desks' managers were told of something before.
CREATE FUNCTION desk_mail_troubles(moment timestamptz) RETURNS TABLE (tenant_id bigint, kind text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT t.id, 'mailbox' FROM accounts_tenant t WHERE t.is_active AND EXISTS (
        SELECT 1 FROM tickets_mailbox m WHERE m.tenant_id = t.id AND m.is_active AND m.way = 'imap'
        AND (m.failing_since < moment + interval '4 minutes' OR m.troubles <> '{}'
            OR m.next_look_at < moment + interval '3 minutes'))
    UNION ALL
    SELECT t.id, 'incoming' FROM accounts_tenant t WHERE t.is_active AND EXISTS (
        SELECT 1 FROM tickets_incomingmessage i WHERE i.tenant_id = t.id AND i.state = 'quarantined')
    UNION ALL
    SELECT t.id, 'waiting' FROM accounts_tenant t WHERE t.is_active AND EXISTS (
        SELECT 1 FROM tickets_incomingmessage i
        WHERE i.tenant_id = t.id AND i.next_try_at IS NOT NULL AND i.received_at < moment)
    UNION ALL
    SELECT t.id, 'outbox' FROM accounts_tenant t WHERE t.is_active AND EXISTS (
        SELECT 1 FROM notifications_outboxmessage o WHERE o.tenant_id = t.id AND o.state = 'queued'
        AND (o.next_try_at < moment OR (o.error <> '' AND o.created_at < moment)))
    UNION ALL
    SELECT t.id, 'server' FROM accounts_tenant t WHERE t.is_active AND EXISTS (
        SELECT 1 FROM notifications_mailserver s
        WHERE s.tenant_id = t.id AND s.is_active AND s.failing_since < moment + interval '4 minutes')
    UNION ALL
    SELECT t.id, 'known' FROM accounts_tenant t WHERE t.is_active AND t.mail_troubles <> '{}'
$$;

GRANT EXECUTE ON FUNCTION desk_due_mailboxes(timestamptz), desk_watched_mailboxes(), desk_mail_troubles(timestamptz)
    TO desk_app;
"""

FUNCTIONS_AWAY = """
DROP FUNCTION desk_mail_troubles(timestamptz);
DROP FUNCTION desk_watched_mailboxes();
DROP FUNCTION desk_due_mailboxes(timestamptz);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("tickets", "0007_mailboxes_rules_and_identity"),
        ("notifications", "0005_together_and_by_own_server"),
        ("accounts", "0007_mail_choices_and_domains"),
    ]

    operations = [migrations.RunSQL(FUNCTIONS, FUNCTIONS_AWAY)]
