"""A contract says whether the customer's people read on a request how long was worked on it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0013_right_to_order")]

    operations = [
        migrations.AddField(
            model_name="contract",
            name="shows_time",
            field=models.BooleanField(default=False, verbose_name="shows the time spent"),
        ),
    ]
