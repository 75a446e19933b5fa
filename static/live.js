/* An open request: what others do appears by itself. It asks rarely, never while hidden, and never touches what is being
   typed. The answer is the page's own HTML; a part is taken over when its digest is another one (tickets/parts.py). */
(() => {
  "use strict";

  const { all, el } = deskShared;
  const SOON = 10000; // while something happens
  const LATE = 60000; // while nothing does
  const SLOWER = 1.3;

  let wait = SOON;
  let timer = 0;
  let asking = false;
  const held = new Map(); // parts that are news, but in use: by id, the new one, or null where it is gone

  const page = () => document.querySelector("[data-live]");
  const byId = (root, id) => root.querySelector(`#${CSS.escape(id)}`);

  function plan(after) {
    clearTimeout(timer);
    if (page() && document.visibilityState === "visible") timer = setTimeout(ask, after);
  }

  async function ask() {
    const place = page();
    if (!place || asking || document.visibilityState !== "visible") return;
    if (place.querySelector("form[data-busy]")) return plan(SOON); // its answer is the whole page
    asking = true;
    const address = `${place.dataset.live}?since=${encodeURIComponent(place.dataset.version)}`;
    const answer = await fetch(address, { redirect: "manual" }).catch(() => null);
    const html = answer?.status === 200 ? await answer.text().catch(() => "") : "";
    asking = false;
    if (!place.isConnected) return plan(SOON); // sent meanwhile, and new
    if (answer?.type === "opaqueredirect" || [401, 403, 404].includes(answer?.status)) return over(place);
    if (html) {
      const fresh = new DOMParser().parseFromString(html, "text/html").querySelector("[data-live]");
      if (fresh?.dataset.reader !== place.dataset.reader) return over(place); // somebody else logged in here
      take(place, fresh);
      wait = SOON;
    } else wait = Math.min(wait * SLOWER, LATE);
    plan(wait);
  }

  // Logged out, or not invited any more: what is shown stays, and says that it stands still.
  function over(place) {
    const link = el("a", { href: location.href, textContent: place.dataset.reload });
    place.prepend(note(place.dataset.over, link));
    delete place.dataset.live;
  }

  function note(text, ...more) {
    const box = el("div", { className: "notice notice-info no-print" }, el("div", { textContent: `${text} ` }));
    box.firstChild.append(...more);
    box.setAttribute("role", "status");
    return box;
  }

  // ---- taking over what is new ----

  function take(place, fresh) {
    const still = anchor(place);
    const top = still?.getBoundingClientRect().top;
    const said = [];
    for (const part of all("[data-part]", fresh)) {
      const old = byId(place, part.id);
      if (old?.dataset.part === part.dataset.part) {
        held.delete(part.id);
        continue;
      }
      if (!old && part.dataset.said) said.push(part.dataset.said);
      if (old && isInUse(old)) held.set(part.id, part);
      else put(place, old, part);
    }
    for (const old of all("[data-part]", place)) {
      if (byId(fresh, old.id)) continue;
      if (isInUse(old)) held.set(old.id, null);
      else old.remove();
    }
    place.dataset.version = fresh.dataset.version;
    offer(place);
    // Nothing that is being read moves, whatever came in above it.
    if (still?.isConnected) scrollBy({ top: still.getBoundingClientRect().top - top, behavior: "instant" });
    if (said.length) document.getElementById("live").textContent = said.join(" ");
    deskShared.openPage(); // what is seen here is read
  }

  // What stays where it is: where one is, else the first thing in view.
  function anchor(place) {
    const seen = (element) => {
      const { top, bottom } = element.getBoundingClientRect();
      return bottom > 0 && top < innerHeight;
    };
    const active = document.activeElement;
    if (active && active !== document.body && place.contains(active) && seen(active)) return active;
    return all("[data-part], #comment-form", place).find(seen);
  }

  // A form that is open, filled in or being filled in.
  function isInUse(part) {
    if (part.querySelector("details[open] form, form[data-bound], form[data-busy]")) return true;
    const active = document.activeElement;
    if (part.contains(active) && active.matches("input, textarea, select")) return true;
    return all("textarea, input:not([type=hidden])", part).some((field) => field.value !== field.defaultValue);
  }

  function put(place, old, part) {
    const fresh = document.importNode(part, true);
    if (old) {
      const open = all("details", old).map((fold) => fold.open);
      all("details", fresh).forEach((fold, number) => (fold.open ||= Boolean(open[number])));
      if (old.matches("details[open]")) fresh.open = true;
      const focused = old.contains(document.activeElement);
      old.replaceWith(fresh);
      if (focused) fresh.focus({ preventScroll: true });
    } else {
      let before = part.previousElementSibling;
      while (before && !(before.id && byId(place, before.id))) before = before.previousElementSibling;
      if (before) byId(place, before.id).after(fresh);
      else byId(place, part.parentElement.id).prepend(fresh);
    }
    fresh.dispatchEvent(new Event("desk:arrived", { bubbles: true }));
  }

  // ---- what is in use stays, and one is told ----

  function offer(place) {
    all("[data-held]", place).forEach((box) => box.remove());
    for (const id of held.keys()) if (!byId(place, id)) held.delete(id);
    if (!held.size) return;
    const button = el("button", { type: "button", className: "btn btn-small", textContent: place.dataset.show });
    button.addEventListener("click", () => show(place));
    const box = note(place.dataset.changed, button);
    box.dataset.held = "";
    byId(place, held.keys().next().value).before(box);
  }

  function show(place) {
    const first = held.keys().next().value;
    for (const [id, part] of held) {
      const old = byId(place, id);
      const words = all("textarea", old).map((field) => [field.form.id, field.value]);
      if (part) put(place, old, part);
      else old.remove();
      for (const [form, text] of words) if (text && !document.getElementById(form)) keepWords(place, text);
    }
    held.clear();
    offer(place);
    (byId(place, first) || place).querySelector("button, summary, textarea")?.focus();
  }

  // Words for a verb that is not offered any more are not lost: they are a comment.
  function keepWords(place, text) {
    const field = place.querySelector("#comment-form textarea");
    if (!field) return;
    field.value = [field.value, text].filter(Boolean).join("\n\n");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  // ---- when ----

  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    wait = SOON;
    ask();
  });
  addEventListener("DOMContentLoaded", () => plan(wait));
  addEventListener("pageshow", (event) => event.persisted && ask());
  addEventListener("htmx:afterSettle", () => {
    held.clear();
    wait = SOON;
    plan(wait);
  });
  document.addEventListener("input", () => (wait = SOON)); // who writes is in a conversation
})();
