/* What the portal's script (desk.js) and the agents' (admin/desk-admin.js) both do. Loaded before either. */
const deskShared = (() => {
  "use strict";

  const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]];

  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const locale = () => (document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang || "en-GB");

  function el(tag, properties, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  }

  // Storage may be switched off or full; then there are no drafts, and nothing else changes.
  function stored(deed) {
    try {
      return deed();
    } catch {
      return null;
    }
  }

  // Moments as 'in 3 hours'. `hush` is the class that hides the exact time from the eye.
  function showTimes(root, hush) {
    const relative = new Intl.RelativeTimeFormat(locale(), { numeric: "auto" });
    const exactly = new Intl.DateTimeFormat(locale(), { dateStyle: "long", timeStyle: "short" });
    const briefly = new Intl.DateTimeFormat(locale(), { dateStyle: "medium" });
    for (const time of all("time[data-relative]", root)) {
      const moment = new Date(time.dateTime);
      if (isNaN(moment)) continue;
      const seconds = (moment - Date.now()) / 1000;
      const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) || ["minute", 60];
      const wall = new Date(time.dateTime.slice(0, 19)); // the desk's own clock, as everywhere else on the page
      const exact = exactly.format(wall);
      const near = Math.abs(seconds) < 7 * 86400;
      const count = Math.abs(seconds) < 60 ? 0 : Math.trunc(seconds / size);
      time.title = exact;
      time.replaceChildren(
        el("span", { className: "near", textContent: near ? relative.format(count, unit) : briefly.format(wall) }),
        el("span", { className: hush, textContent: ` (${exact})` }),
      );
    }
  }

  return { all, el, locale, showTimes, stored };
})();
