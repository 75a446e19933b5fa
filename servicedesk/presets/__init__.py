"""Complete desks by kind of business: `manage.py create_desk --preset integrator …`."""

from servicedesk.presets.accounting_platform import PRESET as ACCOUNTING_PLATFORM
from servicedesk.presets.agency import PRESET as AGENCY
from servicedesk.presets.base import Preset
from servicedesk.presets.integrator import PRESET as INTEGRATOR
from servicedesk.presets.product_vendor import PRESET as PRODUCT_VENDOR

PRESETS: dict[str, Preset] = {
    "integrator": INTEGRATOR,
    "agency": AGENCY,
    "accounting-platform": ACCOUNTING_PLATFORM,
    "product-vendor": PRODUCT_VENDOR,
}
