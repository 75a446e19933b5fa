"""Two ways to use a page: with a mouse, or with the keyboard alone."""

from typing import Any

# A ceiling: no page of the portal has as many stops.
MOST_STOPS = 300


class Mouse:
    def __init__(self, page: Any) -> None:
        self.page = page

    def press(self, what: Any) -> None:
        what.click()

    def write(self, what: Any, words: str) -> None:
        what.fill(words)

    def choose(self, what: Any, label: str) -> None:
        what.select_option(label=label)

    def tick(self, what: Any) -> None:
        what.check()


class Keyboard(Mouse):
    """Nothing is reached but by Tab, nothing pressed but by Enter, space, arrows and letters."""

    def reach(self, what: Any) -> None:
        here = "element => element === document.activeElement"
        for _stop in range(MOST_STOPS):
            if what.evaluate(here):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{what} is not reached by Tab")

    def press(self, what: Any) -> None:
        self.reach(what)
        self.page.keyboard.press("Enter")

    def write(self, what: Any, words: str) -> None:
        self.reach(what)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(words)

    def choose(self, what: Any, label: str) -> None:
        self.reach(what)
        options = what.locator("option").all_inner_texts()
        for _option in options:
            if what.locator("option:checked").inner_text() == label:
                return
            self.page.keyboard.press("ArrowDown")
        assert what.locator("option:checked").inner_text() == label

    def tick(self, what: Any) -> None:
        """A box, or one of several buttons of which the arrows choose."""
        if what.get_attribute("type") == "checkbox":
            self.reach(what)
            self.page.keyboard.press("Space")
            return
        group = self.page.locator(f"[name={what.get_attribute('name')}]:checked")
        self.reach(group.first)
        for _button in range(MOST_STOPS):
            if what.is_checked():
                return
            self.page.keyboard.press("ArrowDown")
