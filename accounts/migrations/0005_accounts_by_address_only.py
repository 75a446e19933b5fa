"""A person is tied to the account of their own address and to no other.

A desk sees the accounts of its persons, so a person's key to an account is a way through the wall: by numbers tried one
after the other a desk could have read whose accounts they are. With this, only who knows an address finds its account.
"""

from django.db import migrations

GUARD = """
CREATE FUNCTION desk_guard_account() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.user_id IS NOT NULL AND (TG_OP = 'INSERT' OR NEW.user_id IS DISTINCT FROM OLD.user_id)
        AND NOT EXISTS (SELECT 1 FROM accounts_user u WHERE u.id = NEW.user_id AND u.email = NEW.email)
    THEN
        RAISE EXCEPTION 'a person is tied to the account of their own address only' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER accounts_person_account BEFORE INSERT OR UPDATE OF user_id ON accounts_person
    FOR EACH ROW EXECUTE FUNCTION desk_guard_account();
"""

GUARD_AWAY = """
DROP TRIGGER accounts_person_account ON accounts_person;
DROP FUNCTION desk_guard_account();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_staff_search")]

    operations = [migrations.RunSQL(GUARD, GUARD_AWAY)]
