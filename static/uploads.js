/* Files leave as soon as they are chosen, in pieces, so that neither a lost connection nor a refused form costs them;
   the form then names them. Fetched by desk.js where a form takes files; its words come from the field's data-
   attributes. Without it the field is a plain file input. */
window.deskUploads = (() => {
  "use strict";

  const { all, el, locale, stored } = deskShared;
  const PIECE = 1048576; // bytes: about ten seconds of a slow line, which is what a lost connection costs
  const LONGEST_REST = 30000; // milliseconds between two tries
  const MOST_RESTARTS = 3;
  const UNDER_WAY = ["waiting", "sending", "paused"];
  const STUCK = ["refused", "missing", "loggedOut"];

  const known = new WeakMap(); // form → the files of its field
  const everyone = new Set();

  class LoggedOut extends Error {}
  class Declined extends Error {} // trying again would not help; the message is for the reader
  class Gone extends Error {}

  function fileSize(bytes) {
    const [unit, size, unitDisplay] = bytes < 1e3 ? ["byte", 1, "long"] : bytes < 1e6 ? ["kilobyte", 1024] : ["megabyte", 1048576];
    return new Intl.NumberFormat(locale(), { style: "unit", unit, unitDisplay, maximumFractionDigits: 1 }).format(bytes / size);
  }

  // The cookie's, which a log-in in another tab has renewed; where cookies cannot be read, the page's own.
  function token(form) {
    const cookie = document.cookie.match(/(?:^|; )(?:__Host-)?desk_csrf=([^;]+)/);
    return cookie ? cookie[1] : form.elements.csrfmiddlewaretoken.value;
  }

  async function ask(form, address, { headers, ...options } = {}) {
    const answer = await fetch(address, { ...options, redirect: "manual", headers: { "X-CSRFToken": token(form), ...headers } });
    if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) throw new LoggedOut();
    if (answer.status === 404) throw new Gone();
    if (answer.status >= 500) throw new Error(answer.status);
    if (!answer.ok && answer.status !== 409) {
      const problem = await answer.json().catch(() => ({}));
      throw new Declined(problem.detail || "");
    }
    return answer.status === 204 ? null : answer.json();
  }

  function setUp(field, { say, key }) {
    const input = field.querySelector("input[type=file]");
    const form = input.form;
    const { address, maxMb, maxFiles, ...texts } = field.dataset;
    const drop = field.querySelector(".drop");
    const list = field.querySelector("ul.files:not([data-files-kept])");
    const row = field.querySelector("template");
    const note = field.querySelector(".files-note");
    const uploads = []; // { file, id, name, size, modified, offset, state }
    let waiters = [];
    let isRunning = false;
    let tries = 0;
    let toldOf = "";
    let timer = null;
    let restoring = null;

    const named = (text, one) => text.replace("[name]", one.name);
    const place = (one) => `${address}${one.id}/`;

    // ---- what is seen ----

    function rowOf(one) {
      const item = row.content.firstElementChild.cloneNode(true);
      item.querySelector(".name").textContent = one.name;
      item.querySelector(".size").textContent = fileSize(one.size);
      item.querySelector("progress").setAttribute("aria-label", named(texts.progress, one));
      const [again, remove] = all("button", item);
      again.querySelector(".hush").textContent = named(texts.again, one);
      again.addEventListener("click", () => tryAgain());
      remove.querySelector(".hush").textContent = named(texts.remove, one);
      remove.addEventListener("click", () => {
        takeAway(one);
        say(named(texts.removed, one));
        input.focus();
      });
      list.append(item);
      return item;
    }

    const wordsOf = (one) => (one.state === "refused" && one.words) || texts[one.state] || "";

    function show(one) {
      one.item ??= rowOf(one);
      const bar = one.item.querySelector("progress");
      bar.hidden = !["waiting", "sending", "paused"].includes(one.state);
      bar.value = (100 * one.offset) / one.size;
      const words = one.item.querySelector(".files-words");
      words.textContent = wordsOf(one);
      words.hidden = !words.textContent;
      if (one.state === "loggedOut") words.append(" ", el("a", { href: texts.login, target: "_blank", textContent: texts.loginWords }));
      one.item.classList.toggle("files-stuck", STUCK.includes(one.state));
      const [again, remove] = all("button", one.item);
      const mayTry = ["paused", "loggedOut"].includes(one.state);
      if (!mayTry && document.activeElement === again) remove.focus();
      again.hidden = !mayTry;
      one.item.querySelector("input")?.remove();
      if (one.state === "done") one.item.append(el("input", { type: "hidden", name: `${input.name}_uploaded`, value: one.id }));
      list.hidden = uploads.length === 0;
    }

    function to(one, state) {
      one.state = state;
      show(one);
      remember();
    }

    function complain(sentences) {
      note.textContent = sentences.join(" ");
      note.hidden = sentences.length === 0;
    }

    // ---- what survives a reload ----

    function remember() {
      if (!("draft" in form.dataset) || !form.isConnected) return;
      const files = uploads.filter((one) => one.id).map(({ id, name, size, modified, offset }) => ({ id, name, size, modified, offset }));
      stored(() => {
        if (files.length) localStorage.setItem(key(), JSON.stringify({ at: Date.now(), files }));
        else localStorage.removeItem(key());
      });
    }

    async function restore() {
      const before = stored(() => JSON.parse(localStorage.getItem(key())).files) || [];
      const wanted = before.filter((one) => !uploads.some((other) => other.id === one.id));
      if (!wanted.length || !("draft" in form.dataset) || "bound" in form.dataset) return remember();
      // Offline what was true last is shown: the form's own answer will tell.
      const answer = await ask(form, `${address}?${new URLSearchParams(wanted.map((one) => ["id", one.id]))}`).catch(() => ({ uploads: wanted }));
      for (const one of wanted) {
        const now = answer.uploads.find((other) => other.id === one.id);
        if (!now) continue;
        Object.assign(one, { offset: now.offset, isUncertain: true });
        uploads.push(one);
        to(one, one.offset === one.size ? "done" : "missing");
      }
      remember();
      const kept = form.querySelector("[data-kept]");
      if (kept && uploads.length) kept.hidden = false;
    }

    // ---- sending ----

    async function send(one) {
      if (!one.id) {
        const begun = await ask(form, address, { method: "POST", body: new URLSearchParams({ name: one.name, size: one.size }) });
        Object.assign(one, { id: begun.id, offset: 0 });
        remember();
        if (one.isRemoved) return forget(one);
      } else if (one.isUncertain) {
        one.offset = (await ask(form, place(one))).offset; // only the server knows what has arrived
      }
      one.isUncertain = false;
      while (one.offset < one.size && !one.isRemoved) {
        const { offset } = await ask(form, place(one), {
          method: "PATCH",
          body: one.file.slice(one.offset, one.offset + PIECE),
          headers: { "Upload-Offset": String(one.offset), "Content-Type": "application/octet-stream" },
        });
        if (offset <= one.offset && (one.restarts = (one.restarts || 0) + 1) > MOST_RESTARTS) throw new Declined("");
        one.offset = offset;
        tries = 0;
        toldOf = "";
        show(one);
      }
    }

    function stumbled(one, error) {
      one.isUncertain = true;
      if (error instanceof Gone) one.id = null; // kept too long: it begins anew
      if (error instanceof Declined) one.words = error.message;
      to(one, error instanceof LoggedOut ? "loggedOut" : error instanceof Declined ? "refused" : "paused");
      if (toldOf !== one.state || one.state === "refused") say(`${one.name}: ${wordsOf(one)}`);
      toldOf = one.state; // the next file and the next try would say the same
      if (one.state !== "paused") return;
      clearTimeout(timer);
      timer = setTimeout(tryAgain, Math.min(LONGEST_REST, 1000 * 2 ** tries++));
    }

    async function run() {
      if (isRunning) return;
      isRunning = true;
      let hasSent = false;
      let one;
      while (form.isConnected && (one = uploads.find((other) => other.state === "waiting"))) {
        to(one, "sending");
        try {
          await send(one);
          if (!one.isRemoved) to(one, "done");
          hasSent = true;
        } catch (error) {
          if (!one.isRemoved) stumbled(one, error);
        }
      }
      isRunning = false;
      if (hasSent && uploads.every((other) => other.state === "done")) say(texts.complete);
      settle();
    }

    function tryAgain() {
      clearTimeout(timer);
      for (const one of uploads) if (["paused", "loggedOut"].includes(one.state)) to(one, "waiting");
      run();
    }

    function forget(one) {
      // Whatever becomes of it: what nobody sends goes by itself after a week.
      ask(form, place(one), { method: "DELETE" }).catch(() => {});
    }

    function takeAway(one) {
      one.isRemoved = true;
      if (one.id) forget(one);
      uploads.splice(uploads.indexOf(one), 1);
      one.item.remove();
      list.hidden = uploads.length === 0;
      complain([]);
      remember();
      settle();
    }

    // ---- choosing ----

    function add(added) {
      const refused = [];
      const taken = [];
      for (const file of added) {
        const begun = uploads.find((one) => one.state === "missing" && one.name === file.name && one.size === file.size);
        if (begun) {
          begun.file = file;
          to(begun, "waiting");
          taken.push(file.name);
        } else if (uploads.some((one) => one.name === file.name && one.size === file.size && one.modified === file.lastModified)) {
          continue;
        } else if (!file.size) refused.push(named(texts.empty, file));
        else if (file.size > maxMb * 1048576) refused.push(named(texts.tooBig, file));
        else if (uploads.length >= maxFiles) {
          refused.push(named(texts.tooMany, file));
          break; // the same would be said of each that follows
        } else {
          const one = { file, id: null, name: file.name, size: file.size, modified: file.lastModified, offset: 0 };
          uploads.push(one);
          to(one, "waiting");
          taken.push(file.name);
        }
      }
      complain(refused);
      input.value = ""; // its bytes do not go with the form
      if (taken.length) say(texts.added.replace("[name]", taken.join(", ")));
      run();
    }

    // ---- the form leaves when they are all there ----

    function settle() {
      if (uploads.some((one) => UNDER_WAY.includes(one.state))) return;
      const stuck = uploads.find((one) => STUCK.includes(one.state));
      const told = waiters;
      waiters = [];
      for (const tell of told) tell(!stuck);
      if (!told.length || !stuck) return;
      complain([named(texts.unfinished, stuck)]);
      all("button", stuck.item).find((button) => !button.hidden).focus();
    }

    function settled() {
      form.elements.csrfmiddlewaretoken.value = token(form);
      if (restoring) return restoring.then(() => settled() ?? true);
      if (uploads.every((one) => one.state === "done")) return null;
      const answer = new Promise((tell) => waiters.push(tell));
      tryAgain();
      return answer;
    }

    const call = field.querySelector(".drop-call");
    call.querySelector("span").textContent = texts.call;
    call.hidden = false;
    drop.classList.add("drop-ready");
    input.setAttribute("aria-describedby", field.querySelector(".hint").id);
    input.addEventListener("change", () => add([...input.files]));
    for (const type of ["dragenter", "dragover"]) {
      drop.addEventListener(type, (event) => {
        event.preventDefault();
        drop.classList.add("drop-over");
      });
    }
    for (const type of ["dragleave", "drop"]) drop.addEventListener(type, () => drop.classList.remove("drop-over"));
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      add([...event.dataTransfer.files]);
    });
    form.addEventListener("paste", (event) => {
      const { files, types } = event.clipboardData;
      if (files.length === 0 || types.includes("text/plain")) return; // cells and paragraphs come with a picture of themselves
      event.preventDefault();
      add([...files]);
    });
    form.addEventListener("reset", () => [...uploads].forEach(takeAway));

    const files = { form, settled, tryAgain };
    known.set(form, files);
    everyone.add(files);
    const kept = field.querySelector("[data-files-kept]");
    for (const item of kept ? all("li", kept) : []) {
      const { id, name, size } = item.dataset;
      const one = { id, name, size: Number(size), offset: Number(size) };
      uploads.push(one);
      to(one, "done");
    }
    kept?.remove();
    if (input.files.length) add([...input.files]); // chosen before this script was here
    restoring = restore().finally(() => (restoring = null));
  }

  function tryAllAgain() {
    for (const files of everyone) {
      if (files.form.isConnected) files.tryAgain();
      else everyone.delete(files);
    }
  }

  addEventListener("online", tryAllAgain);
  // Perhaps they have logged in in another tab.
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && tryAllAgain());

  /* null when nothing is under way; else a promise of whether all files have arrived. */
  function settled(form) {
    return known.get(form)?.settled() ?? null;
  }

  return { setUp, settled };
})();
