"""Requests are found by their words.

Under a policy `@@` never uses an index, so a function asks as the owner and filters by the entered tenant itself; it
returns ids only. Words are lower-cased and lose their accents, which serves all five languages alike. Triggers keep
them, so no way of changing a ticket can forget it.
"""

import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.manager
from django.contrib.postgres.operations import UnaccentExtension
from django.db import migrations, models

import accounts.tenancy.constraints
import accounts.tenancy.context
import accounts.tenancy.models
import tickets.models.search

# As the condition of the indexes of living tickets says it.
ALIVE = (
    "'open', 'in_progress', 'estimated', 'estimate_accepted', 'waiting_for_customer', 'reopened', "
    "'ready_to_deploy', 'invoice'"
).replace("'", "''")

# No text is refused because of its length: of very long ones the beginning is found. 3,000 words of 64 characters stay
# below PostgreSQL's limit of 1 MB.
WORDS = r"""
CREATE FUNCTION desk_words(given text) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = public, pg_temp AS $$
    SELECT coalesce(array_agg(DISTINCT left(word, 64)), '{}') FROM (
        SELECT word FROM regexp_split_to_table(
            lower(unaccent(normalize(left(given, 200000), NFC))), '[^[:alnum:]]+'
        ) AS word WHERE word <> '' LIMIT 20000
    ) AS found
$$;

-- Whose it is, as lexemes that no typed word can equal.
CREATE FUNCTION desk_scope(tenant bigint, requester bigint, organisation bigint) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_remove(ARRAY[
        chr(1) || 't' || tenant, chr(1) || 'requester' || requester, chr(1) || 'organisation' || organisation
    ], NULL)
$$;

-- What was asked and said, or what was noted internally.
CREATE FUNCTION desk_ticket_words(tickets_ticket, internal boolean) RETURNS text[]
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT (desk_words(concat_ws(' ',
        CASE WHEN NOT internal THEN concat_ws(' ', $1.reference, $1.subject, $1.description) END,
        (SELECT string_agg(c.text, ' ' ORDER BY c.id) FROM tickets_comment c
            WHERE c.tenant_id = $1.tenant_id AND c.ticket_id = $1.id AND c.is_internal = internal)
    )))[1:3000]
$$;

GRANT EXECUTE ON FUNCTION
    desk_words(text), desk_scope(bigint, bigint, bigint), desk_ticket_words(tickets_ticket, boolean) TO desk_app;
"""

TRIGGERS = r"""
CREATE FUNCTION desk_ticket_was_written() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO tickets_searchentry (tenant_id, ticket_id, words, notes) VALUES (
        NEW.tenant_id, NEW.id,
        array_to_tsvector(desk_scope(NEW.tenant_id, NEW.requester_id, NEW.organisation_id)
            || desk_ticket_words(NEW, false)),
        '')
    ON CONFLICT (tenant_id, ticket_id) DO UPDATE SET words = EXCLUDED.words;
    RETURN NULL;
END $$;

CREATE FUNCTION desk_comment_was_written() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE tickets_searchentry SET
        words = CASE WHEN NEW.is_internal THEN words
            ELSE words || array_to_tsvector((desk_words(NEW.text))[1:greatest(3000 - length(words), 0)]) END,
        notes = CASE WHEN NOT NEW.is_internal THEN notes
            ELSE notes || array_to_tsvector((desk_words(NEW.text))[1:greatest(3000 - length(notes), 0)]) END
    WHERE tenant_id = NEW.tenant_id AND ticket_id = NEW.ticket_id;
    RETURN NULL;
END $$;

CREATE FUNCTION desk_comment_was_changed() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE tickets_searchentry e SET
        words = array_to_tsvector(desk_scope(t.tenant_id, t.requester_id, t.organisation_id)
            || desk_ticket_words(t, false)),
        notes = array_to_tsvector(desk_ticket_words(t, true))
    FROM tickets_ticket t
    WHERE t.tenant_id = OLD.tenant_id AND t.id = OLD.ticket_id AND e.tenant_id = t.tenant_id AND e.ticket_id = t.id;
    RETURN NULL;
END $$;

CREATE TRIGGER tickets_searched AFTER INSERT ON tickets_ticket
    FOR EACH ROW EXECUTE FUNCTION desk_ticket_was_written();
CREATE TRIGGER tickets_searched_anew
    AFTER UPDATE OF reference, subject, description, requester_id, organisation_id ON tickets_ticket
    FOR EACH ROW WHEN (
        (OLD.reference, OLD.subject, OLD.description, OLD.requester_id, OLD.organisation_id)
        IS DISTINCT FROM (NEW.reference, NEW.subject, NEW.description, NEW.requester_id, NEW.organisation_id)
    ) EXECUTE FUNCTION desk_ticket_was_written();
CREATE TRIGGER tickets_comment_searched AFTER INSERT ON tickets_comment
    FOR EACH ROW EXECUTE FUNCTION desk_comment_was_written();
CREATE TRIGGER tickets_comment_searched_anew AFTER UPDATE OF text, is_internal OR DELETE ON tickets_comment
    FOR EACH ROW EXECUTE FUNCTION desk_comment_was_changed();
"""

# `typed` as a query: each word may go on, the last ones as people type them and all as languages bend them.
# `scope` is one of requester, organisation, guest; `who` the person or the organisation.
SEARCH = r"""
CREATE FUNCTION desk_query(typed text) RETURNS tsquery
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = public, pg_temp AS $$
    SELECT string_agg(word || CASE WHEN length(word) > 1 THEN ':*' ELSE '' END, ' & ')::tsquery
    FROM (SELECT word FROM unnest(desk_words(left(typed, 200))) AS word LIMIT 8) AS words
$$;

-- The newest tickets of a scope, in their order.
CREATE FUNCTION desk_newest_tickets(scope text, who bigint, alive boolean, most integer)
RETURNS TABLE (ticket_id bigint, at timestamptz)
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
DECLARE
    tenant bigint := NULLIF(current_setting('desk.tenant', true), '')::bigint;
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT t.id, t.last_activity_at FROM tickets_ticket t WHERE t.tenant_id = $1 AND %s %s '
        'ORDER BY t.last_activity_at DESC, t.id DESC LIMIT $3',
        CASE scope WHEN 'requester' THEN 't.requester_id = $2' WHEN 'organisation' THEN 't.organisation_id = $2'
            WHEN 'guest' THEN 't.id IN (SELECT p.ticket_id FROM tickets_participant p '
                'WHERE p.tenant_id = $1 AND p.person_id = $2)' END,
        CASE WHEN alive THEN 'AND t.status IN (ALIVE)' ELSE '' END
    ) USING tenant, who, most;
END $$;

-- Common words: the newest two thousand are looked through one by one, in their order. Only what is not found often
-- enough there is asked of the index, which then has few rows to give. So neither is ever long.
CREATE FUNCTION desk_search_tickets(scope text, who bigint, typed text, alive boolean) RETURNS TABLE (id bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    tenant bigint := NULLIF(current_setting('desk.tenant', true), '')::bigint;
    wanted tsquery := desk_query(typed);
    looked_at integer;
    found bigint[];
BEGIN
    IF tenant IS NULL OR wanted IS NULL THEN
        RETURN;
    END IF;
    SELECT count(*), array_agg(near.ticket_id ORDER BY near.at DESC, near.ticket_id DESC)
            FILTER (WHERE e.words @@ wanted)
        INTO looked_at, found
        FROM desk_newest_tickets(scope, who, alive, 2000) near
        JOIN tickets_searchentry e ON e.tenant_id = tenant AND e.ticket_id = near.ticket_id;
    IF looked_at >= 2000 AND scope <> 'guest' AND coalesce(cardinality(found), 0) < 200 THEN
        RETURN QUERY EXECUTE format(
            'SELECT t.id FROM (SELECT e.ticket_id FROM tickets_searchentry e '
            'WHERE e.tenant_id = $1 AND e.words @@ $2 LIMIT 5000) AS hit '
            'JOIN tickets_ticket t ON t.tenant_id = $1 AND t.id = hit.ticket_id %s '
            'ORDER BY t.last_activity_at DESC, t.id DESC LIMIT 200',
            CASE WHEN alive THEN 'AND t.status IN (ALIVE)' ELSE '' END
        ) USING tenant, wanted && quote_literal(chr(1) || scope || who)::tsquery;
    ELSE
        RETURN QUERY SELECT unnest(found[1:200]);
    END IF;
END $$;
GRANT EXECUTE ON FUNCTION desk_search_tickets(text, bigint, text, boolean) TO desk_app;

-- Each typed word; one that none of the newest tickets of a scope has, with words of theirs that look like it. It asks
-- under the policies, and of tickets that the reader sees anyway: it tells no word that they could not read.
CREATE FUNCTION desk_similar_words(scope text, who bigint, typed text) RETURNS TABLE (word text, candidate text)
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    WITH known AS MATERIALIZED (
        SELECT DISTINCT lexeme FROM desk_newest_tickets(scope, who, false, 500) near
        JOIN tickets_searchentry e ON e.tenant_id = NULLIF(current_setting('desk.tenant', true), '')::bigint
            AND e.ticket_id = near.ticket_id,
        unnest(tsvector_to_array(e.words)) AS lexeme WHERE lexeme ~ '^[[:alnum:]]'
    )
    SELECT w.word, near.lexeme FROM unnest(desk_words(left(typed, 200))) AS w (word) LEFT JOIN LATERAL (
        SELECT k.lexeme FROM known k
        WHERE length(w.word) > 3 AND abs(length(k.lexeme) - length(w.word)) <= 2
            AND NOT EXISTS (SELECT 1 FROM known same WHERE starts_with(same.lexeme, w.word))
        ORDER BY similarity(k.lexeme, w.word) DESC, k.lexeme LIMIT 40
    ) AS near ON true
$$;
GRANT EXECUTE ON FUNCTION desk_newest_tickets(text, bigint, boolean, integer), desk_similar_words(text, bigint, text)
    TO desk_app;
""".replace("ALIVE", ALIVE)

FILL = """
INSERT INTO tickets_searchentry (tenant_id, ticket_id, words, notes)
SELECT t.tenant_id, t.id,
    array_to_tsvector(desk_scope(t.tenant_id, t.requester_id, t.organisation_id) || desk_ticket_words(t, false)),
    array_to_tsvector(desk_ticket_words(t, true))
FROM tickets_ticket t
"""

AWAY = """
DROP TRIGGER tickets_comment_searched_anew ON tickets_comment;
DROP TRIGGER tickets_comment_searched ON tickets_comment;
DROP TRIGGER tickets_searched_anew ON tickets_ticket;
DROP TRIGGER tickets_searched ON tickets_ticket;
DROP FUNCTION desk_similar_words(text, bigint, text);
DROP FUNCTION desk_search_tickets(text, bigint, text, boolean);
DROP FUNCTION desk_newest_tickets(text, bigint, boolean, integer);
DROP FUNCTION desk_query(text);
DROP FUNCTION desk_comment_was_changed();
DROP FUNCTION desk_comment_was_written();
DROP FUNCTION desk_ticket_was_written();
DROP FUNCTION desk_ticket_words(tickets_ticket, boolean);
DROP FUNCTION desk_scope(bigint, bigint, bigint);
DROP FUNCTION desk_words(text);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_no_index_of_failed_addresses"),
        ("tickets", "0008_what_mail_is_due"),
    ]

    operations = [
        UnaccentExtension(),
        migrations.CreateModel(
            name="SearchEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("words", tickets.models.search.Lexemes()),
                ("notes", tickets.models.search.Lexemes()),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        default=accounts.tenancy.context.current_tenant_id,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.tenant",
                    ),
                ),
                (
                    "ticket",
                    accounts.tenancy.models.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tickets.ticket",
                    ),
                ),
            ],
            options={
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["words"], gin_pending_list_limit=512, name="tickets_search_words"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "ticket"), name="tickets_searchentry_once"),
                    accounts.tenancy.constraints.TenantPolicy(
                        column="tenant_id", name="tickets_searchentry_tenant_policy"
                    ),
                    models.UniqueConstraint(fields=("tenant", "id"), name="tickets_searchentry_tenant_id_key"),
                    accounts.tenancy.constraints.TenantReference(
                        column="ticket_id", name="tickets_searchentry_ticket_id_tenant_fk", target="tickets_ticket"
                    ),
                ],
            },
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("tenant_rows", django.db.models.manager.Manager()),
            ],
        ),
        migrations.RunSQL([WORDS, TRIGGERS, SEARCH, FILL], AWAY),
    ]
