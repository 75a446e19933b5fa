/* What the agents' and accountants' pages do beyond plain forms and links. Everything works without it; its words come
   from data- attributes, so that they are translated. */
(() => {
  "use strict";

  const { all, el, locale, stored } = deskShared;
  const showTimes = () => deskShared.showTimes(document, "desk-hush");
  const typing = (element) => element.matches("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");

  // ---- what Unfold leaves out: names for its icons, keys for what only a pointer could press, labels in its tables ----

  function mend(root) {
    // On a phone each cell says its column; Unfold writes Every Word Large, which is wrong in four of our languages.
    for (const cell of all("[data-label]", root)) cell.dataset.label = cell.dataset.label.replace(/^./u, (letter) => letter.toUpperCase());
    for (const icon of all(".material-symbols-outlined:not([aria-hidden])", root)) {
      icon.setAttribute("aria-hidden", "true");
      icon.setAttribute("translate", "no");
    }
    for (const field of all("td input:not([type=hidden]), td select, td textarea", root)) {
      if (field.labels?.length || field.hasAttribute("aria-label") || field.hasAttribute("aria-labelledby")) continue;
      const cell = field.closest("td");
      const head = cell.closest("table").querySelectorAll("thead th")[cell.cellIndex];
      const name = cell.dataset.label || head?.textContent.replace("*", "").trim();
      if (name) field.setAttribute("aria-label", name);
    }
    for (const thing of all("a:not([href]), span, div", root)) {
      if (!thing.hasAttribute("x-on:click") || thing.hasAttribute("role") || thing.querySelector("a, button, input, form")) continue;
      const words = [...thing.childNodes].filter((node) => !node.matches?.("[aria-hidden]")).map((node) => node.textContent).join("").trim();
      const field = thing.closest("[data-id^=related-widget-wrapper]")?.querySelector("select, input");
      const name = words || thing.title || field?.labels?.[0]?.textContent.replace("*", "").trim() || field?.getAttribute("aria-label");
      if (!name) continue; // a backdrop, for instance
      thing.setAttribute("role", "button");
      thing.tabIndex = 0;
      if (!words) thing.setAttribute("aria-label", name);
    }
    for (const head of all("thead th", root)) if (!head.hasChildNodes() || !head.innerHTML.trim()) head.replaceWith(el("td", { className: head.className }));
    const search = document.getElementById("searchbar");
    if (search) search.setAttribute("aria-label", search.placeholder);
    document.getElementById("searchbar-submit")?.setAttribute("aria-label", search.placeholder);
    // Unfold looks for a text box beside every file field; ours have none.
    for (const input of all("[data-attach] input[type=file]", root)) input.hasChangeListener = true;
  }

  // The scroll box of the navigation calls itself a region besides the navigation that it stands in.
  addEventListener("load", () => {
    for (const box of all("#nav-sidebar .simplebar-content-wrapper")) for (const name of ["role", "aria-label", "tabindex"]) box.removeAttribute(name);
  });

  // ---- sending once ----

  function release(form) {
    delete form.dataset.busy;
    for (const button of all("[data-once][aria-disabled]", form)) {
      button.removeAttribute("aria-disabled");
      button.replaceChildren(...button.kept);
    }
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if ("forget" in form.dataset) stored(() => sessionStorage.clear());
    if (!("onceForm" in form.dataset)) return;
    if (form.dataset.busy) return event.preventDefault();
    form.dataset.busy = "true";
    const button = event.submitter || form.querySelector("[data-once]");
    const word = form.closest("[data-sending]")?.dataset.sending;
    if (button && word) {
      button.kept = [...button.childNodes];
      button.textContent = word;
      button.setAttribute("aria-disabled", "true");
    }
    setTimeout(() => release(form), 20000); // a sending that was stopped by hand can be repeated
  });

  addEventListener("pageshow", (event) => {
    if (event.persisted) all("form[data-busy]").forEach(release);
  });

  // ---- the composers: what was typed survives a reload and an expired session, in this window ----

  const wordsOf = (text) => text.replace(/\s+/g, " ").trim();

  function setUpDraft(form) {
    const box = form.elements.text;
    const note = form.querySelector("[data-kept]");
    const key = `desk-draft:${form.closest("[data-person]").dataset.person}:${form.getAttribute("action")}`;
    const draft = stored(() => sessionStorage.getItem(key)) || "";
    // Words of mine that stand in the conversation were sent.
    const sent = all("[data-mine] .desk-prose").some((letter) => wordsOf(letter.textContent) === wordsOf(draft));
    if (sent) stored(() => sessionStorage.removeItem(key));
    else if (draft && !box.value) {
      box.value = draft;
      note.hidden = false;
      if (form.id === "note") choose("note");
    }
    box.addEventListener("input", () => {
      stored(() => (box.value ? sessionStorage.setItem(key, box.value) : sessionStorage.removeItem(key)));
    });
    form.querySelector("[data-discard]").addEventListener("click", () => {
      stored(() => sessionStorage.removeItem(key));
      box.value = "";
      note.hidden = true;
      box.focus();
    });
  }

  function choose(name, focus) {
    const choice = document.getElementById(`composer-${name}`);
    if (!choice) return;
    choice.checked = true;
    if (!focus) return;
    document.getElementById("composer").scrollIntoView({ block: "nearest" });
    document.getElementById(`${name}-text`).focus();
  }

  // ---- files: chosen, dropped or pasted; listed, and taken out again ----

  function setUpFiles(field) {
    const input = field.querySelector("input[type=file]");
    const list = field.querySelector("[data-attach-list]");
    const note = field.querySelector("[data-attach-note]");
    const { maxMb, maxFiles, ...texts } = field.dataset;
    const size = new Intl.NumberFormat(locale(), { style: "unit", unit: "kilobyte", maximumFractionDigits: 0 });
    let files = [];

    function show() {
      const bag = new DataTransfer();
      files.forEach((file) => bag.items.add(file));
      input.files = bag.files;
      list.hidden = files.length === 0;
      list.replaceChildren(...files.map(item));
    }

    function item(file) {
      const button = el("button", { type: "button", textContent: "×", ariaLabel: texts.remove.replace("[name]", file.name) });
      button.addEventListener("click", () => {
        files = files.filter((other) => other !== file);
        show();
        input.focus();
      });
      const facts = el("span", { className: "desk-soft", textContent: size.format(Math.ceil(file.size / 1024)) });
      return el("li", {}, el("span", { className: "desk-name", textContent: file.name }), facts, button);
    }

    function add(added) {
      const refused = [];
      for (const file of added) {
        if (files.some((old) => old.name === file.name && old.size === file.size)) continue;
        if (file.size > maxMb * 1048576) refused.push(texts.tooBig.replace("[name]", file.name).replace("[most]", maxMb));
        else if (files.length >= maxFiles) refused.push(texts.tooMany.replace("[name]", file.name).replace("[most]", maxFiles));
        else files.push(file);
      }
      note.textContent = refused.join(" ");
      note.hidden = refused.length === 0;
      show();
    }

    const form = input.form;
    input.addEventListener("change", () => add([...input.files]));
    form.addEventListener("paste", (event) => {
      if (event.clipboardData.files.length === 0) return;
      event.preventDefault();
      add([...event.clipboardData.files]);
    });
    for (const type of ["dragenter", "dragover"]) {
      form.addEventListener(type, (event) => {
        event.preventDefault();
        form.classList.add("desk-over-drop");
      });
    }
    for (const type of ["dragleave", "drop"]) form.addEventListener(type, () => form.classList.remove("desk-over-drop"));
    form.addEventListener("drop", (event) => {
      if (event.dataTransfer.files.length === 0) return;
      event.preventDefault();
      add([...event.dataTransfer.files]);
    });
  }

  // ---- the sheets of verbs: one at a time, away with Escape or a press beside ----

  function closeSheets(except) {
    for (const sheet of all("details[data-sheet][open], .desk-me[open]")) if (!except || !sheet.contains(except)) sheet.open = false;
  }

  function setUpSheet(sheet) {
    sheet.addEventListener("toggle", () => {
      if (!sheet.open) return;
      const panel = sheet.querySelector(":scope > form, :scope > div");
      const first = panel.querySelector("textarea, input:not([type=hidden]), select, summary, button");
      if (!panel.querySelector("details[open]")) first.focus();
      // A sheet at the right edge opens to the left.
      panel.style.left = "";
      const over = panel.getBoundingClientRect().right - document.documentElement.clientWidth + 16;
      if (over > 0) panel.style.left = `${-over}px`;
    });
  }

  // ---- walking the queue: the list remembers its tickets, a ticket knows its neighbours ----

  function rememberQueue() {
    if (!document.body.classList.contains("desk-queue")) return;
    const links = all("#result_list .field-reference_and_subject a").map((link) => link.getAttribute("href"));
    stored(() => sessionStorage.setItem("desk-queue", JSON.stringify(links)));
  }

  function setUpWalk(walk) {
    const links = stored(() => JSON.parse(sessionStorage.getItem("desk-queue"))) || [];
    const path = (link) => new URL(link, location.href).pathname;
    const place = links.findIndex((link) => path(link) === location.pathname);
    if (place < 0) return;
    const link = (to, label, name) => {
      if (!links[to]) return "";
      const icon = document.querySelector(".desk-event .desk-icon, .desk-icon").cloneNode(true);
      icon.querySelector("use").setAttribute("href", icon.querySelector("use").getAttribute("href").replace(/#.*/, "#arrow-right"));
      return el("a", { href: links[to], rel: name, className: name === "prev" ? "desk-walk-back" : "", title: label, ariaLabel: label }, icon);
    };
    const said = walk.dataset.place.replace("[place]", place + 1).replace("[count]", links.length);
    walk.replaceChildren(link(place - 1, walk.dataset.previous, "prev"), said, link(place + 1, walk.dataset.next, "next"));
    walk.hidden = false;
  }

  // ---- single keys, which can be switched off (WCAG 2.1.4) ----

  const KEYS = {
    r: () => choose("reply", true),
    n: () => choose("note", true),
    a: () => document.querySelector(".desk-take button")?.click(),
    j: () => document.querySelector("[data-walk] [rel=next]")?.click(),
    k: () => document.querySelector("[data-walk] [rel=prev]")?.click(),
  };
  const keysAreOn = () => stored(() => localStorage.getItem("desk-keys")) !== "off";

  document.addEventListener("keydown", (event) => {
    const { target } = event;
    if (event.key === "Escape") {
      const open = document.querySelector("details[data-sheet][open], .desk-me[open]");
      closeSheets();
      open?.querySelector("summary").focus();
    }
    if ((event.key === "Enter" || event.key === " ") && target.matches?.("[role=button][tabindex]")) {
      event.preventDefault();
      target.click();
    }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && target.matches?.("[data-ctrl-enter]")) {
      event.preventDefault();
      target.form.requestSubmit(target.form.querySelector("[data-once]"));
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || !document.querySelector("[data-ticket]")) return;
    if (typing(target) || !KEYS[event.key] || !keysAreOn()) return;
    event.preventDefault();
    KEYS[event.key]();
  });

  document.addEventListener("click", (event) => {
    closeSheets(event.target);
    const opener = event.target.closest("[data-open]");
    if (!opener) return;
    event.preventDefault();
    choose(opener.dataset.open, true);
  });

  // ---- money: whole cents, and VAT rounded once per rate, half up, as the server does ----

  const cents = (text) => Math.round(Number(text) * 100);
  const vatOf = (base, rate) => Math.round((base * cents(rate)) / 10000);

  const figures = new Intl.NumberFormat(locale(), { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const figure = (sum) => figures.format(sum / 100);
  const amounts = (currency) => (sum) => `${figure(sum)} ${currency}`;

  // ---- ready to invoice: the sums follow the ticks ----

  function setUpBill(form) {
    const boxes = all("input[name=ticket]", form);
    if (boxes.length === 0) return;
    const every = form.querySelector("[data-bill-all]");
    const money = amounts(form.dataset.currency);
    const put = (name, sum) => (form.querySelector(`[data-bill-${name}]`).textContent = money(sum));

    // The ticked tickets' sum without VAT at a rate: a ticket may have lines of several.
    function base(rate) {
      const parts = boxes.filter((box) => box.checked).flatMap((box) => box.dataset.rates.split(" "));
      const own = parts.map((part) => part.split(":")).filter(([other]) => other === rate);
      return own.reduce((sum, [, net]) => sum + cents(net), 0);
    }

    function show() {
      let [net, vat] = [0, 0];
      for (const cell of all("[data-bill-vat]", form)) {
        const rate = cell.dataset.billVat;
        const tax = vatOf(base(rate), rate);
        cell.textContent = money(tax);
        net += base(rate);
        vat += tax;
      }
      put("net", net);
      put("gross", net + vat);
      const chosen = boxes.filter((box) => box.checked).length;
      every.checked = chosen === boxes.length;
      every.indeterminate = chosen > 0 && chosen < boxes.length;
      form.querySelector("[data-once]").disabled = chosen === 0;
    }

    every.hidden = false;
    form.addEventListener("change", (event) => {
      if (event.target === every) for (const box of boxes) box.checked = every.checked;
      show();
    });
    if (boxes.some((box) => !box.checked)) show(); // a browser may bring ticks back
  }

  // ---- an estimate as it is written: lines come and go, sums follow, and who may accept them is shown ----

  // Minutes of '2h30', '1:30', '1,5 h', '90'; null of what is no time. The server reads more forms and has the last word.
  function minutesOf(text) {
    const words = text.trim().toLowerCase();
    const clock = words.match(/^(\d{1,3})\s*:\s*([0-5]\d)$/) || words.match(/^(\d{1,3})\s*(?![mм])[^\d\s.,:]+\.?\s*(\d{1,2})\s*[^\d\s]*$/);
    if (clock) return Number(clock[1]) * 60 + Number(clock[2]);
    const part = words.match(/^(\d{1,3}[.,]\d{1,2})\s*[^\d\s.,:]+\.?$/);
    if (part) return Math.round(Number(part[1].replace(",", ".")) * 60);
    const one = words.match(/^(\d{1,5})\s*([^\d\s.,:]*)\.?$/);
    if (!one) return null;
    return Number(one[1]) * (one[2] === "" || /^[mм]/.test(one[2]) ? 1 : 60);
  }

  function priceOf(text) {
    const figure = text.replace(/[\s\u00a0\u202f]/g, "").replace(",", ".");
    return /^\d+(\.\d{1,2})?$/.test(figure) ? cents(figure) : null;
  }

  function setUpEstimate(form) {
    const money = amounts(form.dataset.currency);
    const body = form.querySelector("[data-lines]");
    const total = form.querySelector("input[name=lines-TOTAL_FORMS]");
    const zero = form.querySelector("[data-zero]");
    const limits = all("[data-limit]");
    const rows = () => all("[data-line]", body).filter((row) => !row.hidden);
    const inputs = (row) => all("input, textarea", row);
    const isEmpty = (row) => inputs(row).every((input) => !input.value.trim());
    const field = (row, name) => row.querySelector(`[name$="-${name}"]`).value;
    const put = (name, text) => (form.querySelector(`[data-sum-${name}]`).textContent = text);

    // Cents of a line and its minutes; null while it is none.
    function sumOf(row) {
      const [time, price] = [field(row, "time"), field(row, "price")];
      const minutes = time.trim() ? minutesOf(time) : 0;
      const each = price.trim() ? priceOf(price) : time.trim() ? cents(form.dataset.hourly) : null;
      if (minutes === null || each === null) return null;
      return { minutes, net: time.trim() ? Math.round((each * minutes) / 60) : each };
    }

    function inWords(minutes) {
      const { whole, part } = form.querySelector("[data-sum-time]").dataset;
      const words = minutes % 60 ? part : whole;
      return minutes ? words.replace("[hours]", Math.floor(minutes / 60)).replace("[minutes]", minutes % 60) : "–";
    }

    function judge(net, isWritten) {
      const reaches = (limit) => limit.dataset.limit === "" || net <= cents(limit.dataset.limit);
      for (const limit of limits) limit.toggleAttribute("data-short", isWritten && !reaches(limit));
      form.querySelector("[data-no-approver]").hidden = !isWritten || limits.some(reaches);
    }

    function show() {
      let [net, minutes, isWritten] = [0, 0, false];
      for (const row of rows()) {
        const sum = isEmpty(row) ? null : sumOf(row);
        row.querySelector("[data-line-sum]").textContent = sum ? figure(sum.net) : isEmpty(row) ? "" : "–";
        if (!sum) continue;
        net += sum.net;
        minutes += sum.minutes;
        isWritten = true;
      }
      const vat = vatOf(net, form.dataset.vat);
      put("time", inWords(minutes));
      put("net", isWritten ? money(net) : "–");
      put("vat", isWritten ? money(vat) : "–");
      put("total", isWritten ? money(net + vat) : "–");
      zero.hidden = !(isWritten && net === 0) && !("asked" in zero.dataset);
      judge(net, isWritten);
    }

    function add() {
      const place = document.createElement("tbody");
      place.innerHTML = form.querySelector("[data-line-template]").innerHTML.replaceAll("__prefix__", total.value);
      total.value = Number(total.value) + 1;
      const row = place.firstElementChild;
      body.append(row);
      return row;
    }

    form.querySelector("[data-line-add]").addEventListener("click", () => {
      const empty = all("[data-line]", body).find((row) => row.hidden && row.dataset.line !== "removed");
      const row = empty || add();
      row.hidden = false;
      inputs(row)[0].focus();
    });

    // An empty line is left out when it is sent, so that the others keep their numbers.
    body.addEventListener("click", (event) => {
      const button = event.target.closest("[data-line-remove]");
      if (!button) return;
      const row = button.closest("[data-line]");
      const neighbour = rows()[Math.max(0, rows().indexOf(row) - 1)];
      for (const input of inputs(row)) input.value = "";
      if (rows().length > 1) {
        row.hidden = true;
        row.dataset.line = "removed";
      }
      show();
      const next = rows().includes(neighbour) ? neighbour : rows()[0];
      inputs(next)[0].focus();
    });

    form.addEventListener("input", show);
    // Of the empty lines for those without a script one is enough here.
    for (const row of rows().slice(1)) if (isEmpty(row) && !row.querySelector(".desk-error")) row.hidden = true;
    show();
    form.querySelector("[data-problem]")?.focus();
  }

  // ---- a page as it arrives ----

  addEventListener("DOMContentLoaded", () => {
    mend(document);
    showTimes();
    setInterval(showTimes, 60000);
    rememberQueue();
    all("[data-composer]").forEach(setUpDraft);
    all("[data-attach]").forEach(setUpFiles);
    all("[data-sheet]").forEach(setUpSheet);
    all("[data-walk]").forEach(setUpWalk);
    all("[data-bill]").forEach(setUpBill);
    all("[data-estimate]").forEach(setUpEstimate);
    for (const keys of all("[data-keys]")) {
      const choice = keys.querySelector("[data-keys-switch]");
      keys.hidden = false;
      choice.checked = keysAreOn();
      choice.addEventListener("change", () => stored(() => localStorage.setItem("desk-keys", choice.checked ? "on" : "off")));
    }
  });

  // Unfold hides the page until its own script is ready; what is hidden takes no focus.
  addEventListener("load", () => requestAnimationFrame(() => document.querySelector(":is(.desk-ticket, .desk-estimate-page) [aria-invalid=true]")?.focus()));

  document.addEventListener("formset:added", (event) => mend(event.target));
})();
