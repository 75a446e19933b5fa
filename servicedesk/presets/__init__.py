"""Complete desks by kind of business: `manage.py create_desk --preset integrator …`."""

from servicedesk.presets.agency import PRESET as AGENCY
from servicedesk.presets.base import Preset
from servicedesk.presets.integrator import PRESET as INTEGRATOR

PRESETS: dict[str, Preset] = {"integrator": INTEGRATOR, "agency": AGENCY}
