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

  // ---- the bell: how much is unread, asked at most once a minute in a window; opening what a notice leads to reads it ----

  const BELL_RESTS = 60000;
  // Of one person in one language: somebody else may log in here.
  const bellKey = () => `bell:${document.documentElement.lang}:${document.querySelector("[data-bell]").dataset.bellOf}`;

  function showBell({ shown, said }) {
    for (const bell of all("[data-bell]")) {
      const count = bell.querySelector("[data-bell-count]");
      count.textContent = shown;
      count.hidden = !shown;
      bell.querySelector("[data-bell-said]").textContent = said ? ` (${said})` : "";
    }
  }

  async function askBell(address, sent) {
    const options = sent ? { method: "POST", body: new URLSearchParams(sent) } : {};
    const answer = await fetch(address, { ...options, redirect: "manual" }).catch(() => null);
    if (!answer?.ok) return; // logged out, or offline: the next page asks again
    const news = await answer.json();
    stored(() => sessionStorage.setItem(bellKey(), JSON.stringify({ ...news, at: Date.now() })));
    showBell(news);
  }

  function refreshBell() {
    const bell = document.querySelector("[data-bell]");
    if (!bell || document.visibilityState !== "visible") return;
    const known = stored(() => JSON.parse(sessionStorage.getItem(bellKey())));
    if (known) showBell(known);
    const isItsPage = bell.hasAttribute("aria-current"); // where a button may just have changed the number
    if (!known || isItsPage || Date.now() - known.at > BELL_RESTS) askBell(bell.dataset.bell);
  }

  // A page that is made ready behind the one being read is not opened yet.
  function openPage() {
    const read = document.querySelector("[data-bell-read]")?.dataset.bellRead;
    const token = document.querySelector("[name=csrfmiddlewaretoken]")?.value;
    if (!read || !token) return refreshBell();
    if (document.visibilityState !== "visible") return document.addEventListener("visibilitychange", openPage, { once: true });
    askBell(read, { page: location.pathname, csrfmiddlewaretoken: token });
  }

  addEventListener("DOMContentLoaded", openPage);
  addEventListener("focus", refreshBell);

  return { all, el, locale, openPage, showTimes, stored };
})();
