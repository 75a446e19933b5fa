"""Who may say in which order an organisation's requests are handled (A6)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0012_products_and_cover"),
    ]

    operations = [
        migrations.AddField(
            model_name="representation",
            name="may_order",
            field=models.BooleanField(default=False, verbose_name="may set the order of requests"),
        ),
    ]
