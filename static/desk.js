/* What a page does beyond plain forms and links. Nothing here is needed to use the portal; all its words come from
   data- attributes, so that they are translated. */
(() => {
  "use strict";

  const { all, el, locale, stored } = deskShared;
  const words = () => document.body.dataset;
  const showTimes = (root) => deskShared.showTimes(root, "hush");
  const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLocaleLowerCase();

  function say(text) {
    document.getElementById("live").textContent = text;
  }

  function icon(name) {
    const [sprite] = document.querySelector("svg.icon use").getAttribute("href").split("#");
    const holder = document.createElement("template");
    holder.innerHTML = `<svg class="icon" aria-hidden="true"><use href="${sprite}#${name}"></use></svg>`;
    return holder.content.firstChild;
  }

  // ---- notices ----

  function notice(text, { link } = {}) {
    const close = el("button", { className: "notice-close", type: "button", ariaLabel: words().close }, icon("close"));
    close.dataset.dismiss = "";
    const box = el("div", { className: "notice notice-error" }, icon("level-error"), el("div", { textContent: text + " " }), close);
    box.setAttribute("role", "alert");
    if (link) box.querySelector("div").append(el("a", { href: location.href, textContent: link }));
    document.getElementById("messages").replaceChildren(box);
  }

  function dismiss(button) {
    button.closest(".notice").remove();
    document.getElementById("main").focus();
  }

  // ---- menus: they open without script; this closes them ----

  function closeMenus(except) {
    for (const menu of all("details.menu[open]")) if (!except || !menu.contains(except)) menu.open = false;
  }

  // ---- search in the topics ----

  function filterTopics(input) {
    const place = input.closest("[data-filtered]");
    const wanted = fold(input.value).split(/\s+/).filter(Boolean);
    let count = 0;
    for (const group of all("[data-group]", place)) {
      const words = group.querySelector("[data-words]");
      const name = words ? words.textContent : "";
      let shown = 0;
      for (const item of all("[data-item]", group)) {
        const text = fold(`${name} ${item.textContent} ${item.dataset.more || ""}`);
        item.hidden = !wanted.every((word) => text.includes(word));
        shown += !item.hidden;
      }
      group.hidden = shown === 0;
      count += shown;
    }
    place.querySelector("[data-filter-none]").hidden = count > 0;
    const nav = place.querySelector(".catalogue-nav");
    if (nav) nav.hidden = wanted.length > 0;
    place.querySelector("[data-filter-said]").textContent = wanted.length ? input.dataset.found.replace("[count]", count) : "";
  }

  // ---- files: they have a script of their own, fetched where a form takes files ----

  const scripts = new Map();

  function script(address) {
    if (!scripts.has(address)) {
      const arrival = new Promise((arrived) => document.head.append(el("script", { src: address, onload: arrived })));
      scripts.set(address, arrival);
    }
    return scripts.get(address);
  }

  async function setUpFiles(field) {
    const form = field.querySelector("input[type=file]")?.form;
    if (!form || field.dataset.ready) return;
    field.dataset.ready = "true";
    await script(field.dataset.script);
    if (form.isConnected) deskUploads.setUp(field, { say, key: () => filesKey(keyOf(form)) });
  }

  // ---- drafts: what was typed survives a reload and an expired session ----

  const DRAFT_DAYS = 30;
  const PENDING = "desk-pending";
  const draftPrefix = () => `desk-draft:${location.host}:${words().person}:`;
  const keyOf = (form) => `${draftPrefix()}${form.dataset.draft || location.pathname}#${form.id}`;
  const filesKey = (key) => `${key}#files`;
  const timers = new WeakMap();

  function drafted(form) {
    return [...form.elements].filter((field) => field.name && field.matches("textarea, select, input:not([type=hidden], [type=password], [type=file])"));
  }

  const ticked = (field) => field.matches("[type=checkbox], [type=radio]");
  // Buttons of one choice share a name; each is kept by its value.
  const keyInDraft = (field) => (ticked(field) ? `${field.name}=${field.value}` : field.name);
  const typedIn = (field) => (ticked(field) ? field.checked : field.value);

  function putBack(field, value) {
    if (ticked(field)) field.checked = value;
    else field.value = value;
  }

  function given(field) {
    if (field.matches("select")) return [...field.options].findIndex((option) => option.defaultSelected);
    return ticked(field) ? field.defaultChecked : field.defaultValue;
  }

  function changed(field) {
    if (field.matches("select")) return field.selectedIndex !== Math.max(given(field), 0);
    return typedIn(field) !== given(field);
  }

  function keepDraft(form) {
    clearTimeout(timers.get(form));
    if (!words().person || !form.isConnected) return;
    const typed = drafted(form).filter((field) => changed(field) || ("bound" in form.dataset && field.value));
    const draft = Object.fromEntries(typed.map((field) => [keyInDraft(field), typedIn(field)]));
    stored(() => {
      if (typed.length) localStorage.setItem(keyOf(form), JSON.stringify({ at: Date.now(), draft }));
      else localStorage.removeItem(keyOf(form));
    });
  }

  function forgetDrafts(doomed) {
    stored(() => {
      for (const key of Object.keys(localStorage)) {
        if (key.startsWith("desk-draft:") && doomed(key)) localStorage.removeItem(key);
      }
    });
  }

  function isOld(key) {
    const at = stored(() => JSON.parse(localStorage.getItem(key)).at) || 0;
    return Date.now() - at > DRAFT_DAYS * 86400000;
  }

  // A form that left is done only when the same person next sees a page that is not an error, a login or that form again.
  function settlePending() {
    const key = stored(() => sessionStorage.getItem(PENDING));
    if (!key) return;
    stored(() => sessionStorage.removeItem(PENDING));
    for (const note of all("[data-pending]")) note.hidden = false;
    const refused = all("form[data-bound]").some((form) => keyOf(form) === key) || document.querySelector("#messages .notice-error, [data-error-page]");
    if (words().person && key.startsWith(draftPrefix()) && !refused) {
      stored(() => [key, filesKey(key)].forEach((one) => localStorage.removeItem(one)));
    }
  }

  // Every fold that a field stands in.
  function unfold(field) {
    for (let fold = field.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  }

  function restoreDraft(form) {
    if (form.dataset.restored || "bound" in form.dataset || !words().person) return;
    form.dataset.restored = "true";
    const kept = stored(() => JSON.parse(localStorage.getItem(keyOf(form))));
    if (!kept) return;
    let put = 0;
    for (const field of drafted(form)) {
      const value = kept.draft[keyInDraft(field)];
      if (value === undefined || changed(field)) continue;
      putBack(field, value);
      if (changed(field)) unfold(field);
      put += changed(field);
    }
    if (!put) return;
    const note = form.querySelector("[data-kept]");
    if (note) note.hidden = false;
  }

  function discardDraft(form) {
    form.reset();
    keepDraft(form);
    form.querySelector("[data-kept]").hidden = true;
    form.querySelector("textarea, input:not([type=hidden])")?.focus();
  }

  // ---- sending: what is missing is said at once, in the page's own words; nothing is sent twice ----

  function problem(field) {
    if (field.validity.valueMissing) return words().errorRequired;
    if (field.validity.typeMismatch && field.type === "email") return words().errorEmail;
    return field.validationMessage;
  }

  function markField(field, text) {
    const box = field.closest(".field");
    const id = `${field.id}_error`;
    document.getElementById(id)?.remove();
    box?.classList.toggle("field-bad", Boolean(text));
    const described = (field.getAttribute("aria-describedby") || "").split(" ").filter((part) => part && part !== id);
    if (text) {
      field.setAttribute("aria-invalid", "true");
      described.push(id);
      const anchor = field.closest(".secret, .drop") || field;
      anchor.before(el("div", { className: "field-error", id }, icon("alert"), el("div", { textContent: text })));
    } else {
      field.removeAttribute("aria-invalid");
      const summary = field.form.querySelector("[data-summary]");
      summary?.querySelector(`a[href="#${CSS.escape(field.id)}"]`)?.closest("li").remove();
      if (summary && !summary.querySelector("li")) summary.hidden = true;
    }
    if (described.length) field.setAttribute("aria-describedby", described.join(" "));
    else field.removeAttribute("aria-describedby");
  }

  function faults(form) {
    const faulty = [];
    for (const field of form.elements) {
      if (!field.willValidate || !field.id || field.matches("button, fieldset")) continue;
      if (field.checkValidity()) {
        if (field.hasAttribute("aria-invalid")) markField(field, "");
      } else {
        markField(field, problem(field));
        unfold(field);
        faulty.push(field);
      }
    }
    const summary = form.querySelector("[data-summary]");
    if (summary) {
      summary.hidden = faulty.length === 0;
      summary.querySelector("ul").replaceChildren(
        ...faulty.map((field) => {
          const label = field.labels[0]?.cloneNode(true);
          label?.querySelectorAll(".mark, .optional").forEach((mark) => mark.remove());
          return el("li", {}, el("a", { href: `#${field.id}`, textContent: `${label ? label.textContent.trim() + ": " : ""}${problem(field)}` }));
        }),
      );
    }
    return faulty;
  }

  function release(form) {
    delete form.dataset.busy;
    for (const button of all("[data-once][aria-disabled]", form)) {
      button.removeAttribute("aria-disabled");
      if (button.dataset.label) button.replaceChildren(...button.kept);
    }
  }

  function hold(form, button, { says = words().sending, isPatient = false } = {}) {
    form.dataset.busy = "true";
    if (button?.matches("[data-once]")) {
      button.kept = [...button.childNodes];
      button.dataset.label = button.textContent.trim();
      button.textContent = says;
      button.setAttribute("aria-disabled", "true");
    }
    // A form whose sending was stopped by hand can be sent again.
    if (isPatient) return;
    setTimeout(() => {
      if (!form.classList.contains("htmx-request")) release(form);
    }, 20000);
  }

  // The form leaves by itself when its files have arrived; one that cannot arrive stops it.
  async function leaveAfter(files, form, button) {
    const { waits } = form.querySelector("[data-files]").dataset;
    keepDraft(form);
    hold(form, button, { says: waits, isPatient: true });
    say(waits);
    const haveArrived = await files;
    release(form);
    if (haveArrived && form.isConnected) form.requestSubmit(button);
  }

  document.addEventListener(
    "submit",
    (event) => {
      const form = event.target;
      if (form.method !== "post") return;
      const stop = () => {
        event.preventDefault();
        event.stopImmediatePropagation();
      };
      if (form.dataset.busy) return stop();
      if ("check" in form.dataset) {
        const faulty = faults(form);
        if (faulty.length) {
          stop();
          const summary = form.querySelector("[data-summary]");
          (summary || faulty[0]).focus();
          summary?.scrollIntoView({ block: "nearest" });
          return;
        }
      }
      const files = window.deskUploads?.settled(form);
      if (files) {
        stop();
        return leaveAfter(files, form, event.submitter);
      }
      if ("draft" in form.dataset) {
        keepDraft(form);
        stored(() => sessionStorage.setItem(PENDING, keyOf(form)));
      }
      if (form.id === "frame-form" && history.state?.htmx) form.elements.back.value = location.pathname + location.search; // a list moved on
      if ("forget" in form.dataset || "forget" in (event.submitter?.dataset || {})) forgetDrafts((key) => key.startsWith(draftPrefix()));
      hold(form, event.submitter);
    },
    true,
  );

  // ---- one listener for each kind of event ----

  document.addEventListener("click", (event) => {
    const target = event.target.closest("button, a, summary") || event.target;
    closeMenus(target);
    const data = target.dataset;
    if ("dismiss" in data) dismiss(target);
    if ("print" in data) print();
    if ("discard" in data) discardDraft(target.form);
    if ("filterClear" in data) {
      const input = target.closest("[data-filtered]").querySelector("[data-filter]");
      input.value = "";
      filterTopics(input);
      input.focus();
      event.preventDefault();
    }
    if ("fillLogin" in data) {
      const form = document.querySelector("form:has([name=login])");
      form.elements.login.value = data.fillLogin;
      form.elements.password.value = data.fillPassword;
      form.querySelector("[data-once]").focus();
    }
    if (target.matches(".summary a")) {
      const field = document.getElementById(target.hash.slice(1));
      if (field) {
        event.preventDefault();
        unfold(field);
        field.focus();
        (field.closest(".field") || field).scrollIntoView({ block: "center" });
      }
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      const open = event.target.closest?.("details.menu[open]") || document.querySelector("details.menu[open]");
      closeMenus();
      open?.querySelector("summary").focus();
    }
    const form = event.target.form;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && form && "ctrlEnter" in form.dataset) {
      event.preventDefault();
      form.requestSubmit(form.querySelector("[data-once]"));
    }
  });

  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-filter]")) return filterTopics(event.target);
    const form = event.target.form;
    if (event.target.getAttribute("aria-invalid") && event.target.checkValidity()) markField(event.target, "");
    if (form && "draft" in form.dataset) {
      clearTimeout(timers.get(form));
      timers.set(form, setTimeout(() => keepDraft(form), 300));
    }
  });

  addEventListener("pagehide", () => {
    for (const form of all("form[data-draft]")) if (!form.dataset.busy && timers.has(form)) keepDraft(form);
  });

  addEventListener("pageshow", (event) => {
    if (event.persisted) all("form[data-busy]").forEach(release);
  });

  // A file dropped beside the zone must not replace the page.
  for (const type of ["dragover", "drop"]) {
    addEventListener(type, (event) => {
      if (document.querySelector("[data-files]") && event.dataTransfer?.types.includes("Files")) event.preventDefault();
    });
  }

  // ---- paper: what is folded is on it too, and the moment of printing ----

  let unfolded = [];

  addEventListener("beforeprint", () => {
    for (const time of all("[data-printed]")) {
      const inWords = new Intl.DateTimeFormat(locale(), { dateStyle: "long", timeStyle: "short", timeZone: time.dataset.printed }); // the desk's
      time.textContent = inWords.format();
    }
    unfolded = all("#request details:not([open]):not(:has(form))");
    for (const fold of unfolded) fold.open = true;
  });

  addEventListener("afterprint", () => {
    for (const fold of unfolded) fold.open = false;
  });

  // ---- pages and their parts as they arrive ----

  function setUpPassword(holder) {
    const input = holder.querySelector("input[type=password]");
    if (!input || holder.querySelector("button")) return;
    const button = el("button", { type: "button", className: "btn btn-small", textContent: holder.dataset.show });
    button.setAttribute("aria-controls", input.id);
    button.addEventListener("click", () => {
      const hidden = input.type === "password";
      input.type = hidden ? "text" : "password";
      button.textContent = hidden ? holder.dataset.hide : holder.dataset.show;
    });
    input.form.addEventListener("submit", () => (input.type = "password"));
    holder.append(button);
  }

  function ready(root) {
    showTimes(root);
    all(".secret", root).forEach(setUpPassword);
    all("form[data-check]", root).forEach((form) => (form.noValidate = true));
    settlePending();
    all("[data-files]", root).forEach(setUpFiles);
    all("form[data-draft]", root).forEach(restoreDraft);
    const summary = root.querySelector("[data-summary]:not([hidden])");
    if (summary) summary.focus();
  }

  addEventListener("DOMContentLoaded", () => {
    forgetDrafts(isOld);
    ready(document);
    setInterval(() => showTimes(document), 60000);
  });

  addEventListener("desk:arrived", (event) => ready(event.target)); // a part that live.js took over

  // ---- htmx: the same pages, without a reload ----

  addEventListener("htmx:afterSettle", (event) => {
    const part = event.detail.elt;
    ready(part);
    if (part.id === "list" && part.dataset.count) say(part.dataset.count);
    if (part.id === "request") {
      const latest = part.querySelector("[data-latest]");
      if (latest && !part.querySelector("[data-bound]")) {
        latest.focus({ preventScroll: true });
        latest.scrollIntoView({ block: "nearest" });
      }
    } else if (part === document.body && !part.querySelector("[data-summary]:not([hidden])")) {
      document.getElementById("main").focus({ preventScroll: true });
    }
  });

  // An answer to another person, or without the part that was asked for, is another page: a login, most often.
  addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    const { elt } = event.detail.requestConfig;
    const wanted = elt.getAttribute("hx-select") || elt.closest("[hx-select]")?.getAttribute("hx-select");
    const other = !xhr.responseText.includes(`data-person="${words().person}"`);
    if (xhr.status < 400 && (other || (wanted && !xhr.responseText.includes(`id="${wanted.slice(1)}"`)))) {
      event.detail.shouldSwap = false;
      location.assign(xhr.responseURL || location.href);
    }
    if (xhr.status < 400 && elt.dataset.said && !xhr.responseText.includes("data-bound")) say(elt.dataset.said);
    if (xhr.status === 422) {
      event.detail.shouldSwap = true; // the form again, with what is wrong in it
      event.detail.isError = false;
    }
  });

  addEventListener("htmx:afterRequest", (event) => {
    const form = event.detail.elt.closest("form[method=post]");
    const { status } = event.detail.xhr;
    if (form) release(form);
    if ((status >= 200 && status < 400) || status === 422) return;
    if (!form) return location.assign(event.detail.pathInfo.requestPath);
    stored(() => sessionStorage.removeItem(PENDING));
    if (status === 403) notice(words().errorExpired, { link: words().reload });
    else notice(status === 413 ? words().errorLarge : words().errorServer);
  });
})();
