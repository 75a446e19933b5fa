"""Any accent colour passes WCAG 2.2 AA: the colours of text on it, and of itself as text, are computed."""

WHITE, BLACK = (255, 255, 255), (15, 17, 21)
# The darkest of the light surfaces and the lightest of the dark ones (static/desk.css) on which links stand.
LIGHT_PAGE, DARK_PAGE = (240, 238, 234), (37, 39, 43)
ENOUGH = 4.6  # AA asks 4.5; the rest covers rounding

Colour = tuple[int, int, int]


def parse(accent: str) -> Colour:
    """'#rrggbb' as three numbers from 0 to 255."""
    return int(accent[1:3], 16), int(accent[3:5], 16), int(accent[5:7], 16)


def luminance(colour: Colour) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2, definition of relative luminance)."""
    parts = [c / 255 for c in colour]
    red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Colour, other: Colour) -> float:
    """Contrast ratio, 1 to 21 (WCAG 2.2, definition of contrast ratio)."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def mix(colour: Colour, towards: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, towards, strict=True))
    return red, green, blue


def readable_on(page: Colour, accent: Colour) -> Colour:
    """The accent itself, or the nearest lighter or darker one that can be read on the page."""
    towards = BLACK if luminance(page) > 0.4 else WHITE
    steps = (mix(accent, towards, step / 20) for step in range(21))
    return next((colour for colour in steps if contrast(colour, page) >= ENOUGH), towards)


def as_css(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def accent_area(accent: str) -> tuple[Colour, Colour]:
    """(the area's colour, the colour of words on it) for an accent like '#1d5fb4'."""
    colour = parse(accent)
    on_accent = max((WHITE, BLACK), key=lambda candidate: contrast(candidate, colour))
    # White on a middling accent may fail: then the accent's area gets darker, not the words fainter.
    area = colour if contrast(on_accent, colour) >= ENOUGH else readable_on(WHITE, colour)
    on_area = max((WHITE, BLACK), key=lambda candidate: contrast(candidate, area))
    return area, on_area


def brand_stylesheet(accent: str) -> str:
    colour = parse(accent)
    area, on_area = accent_area(accent)
    values = {
        "--accent": as_css(area),
        "--accent-contrast": as_css(on_area),
        "--accent-text": as_css(readable_on(LIGHT_PAGE, colour)),
        "--accent-text-dark": as_css(readable_on(DARK_PAGE, colour)),
    }
    return ":root{" + ";".join(f"{name}:{value}" for name, value in values.items()) + "}\n"
