/* The order of handling by dragging, with a mouse, a finger or the keyboard. The form does the same without this. */
(() => {
  "use strict";

  const { all } = deskShared;
  const rowsOf = (form) => all(".order-row", form);
  const handleOf = (row) => row.querySelector("[data-handle]");

  // What is being moved: the row, its form, and the rows as they stood before. `byKey` until space puts it down.
  let lifted = null;

  function say(text, row) {
    const rows = rowsOf(row.closest("form"));
    document.getElementById("live").textContent = text
      .replace("[name]", row.querySelector(".ref").textContent)
      .replace("[place]", rows.indexOf(row) + 1)
      .replace("[count]", rows.length);
  }

  function number(form) {
    rowsOf(form).forEach((row, place, rows) => {
      row.querySelector(".order-number").value = place + 1;
      row.querySelector("[name=up]").disabled = place === 0;
      row.querySelector("[name=down]").disabled = place === rows.length - 1;
    });
  }

  function lift(row, { byKey }) {
    const form = row.closest("form");
    if (form.dataset.busy) return;
    lifted = { row, form, byKey, before: rowsOf(form) };
    row.classList.add("order-lifted");
    handleOf(row).setAttribute("aria-pressed", "true");
    if (byKey) say(form.dataset.lifted, row);
  }

  function putDown({ keep }) {
    const { row, form, before, byKey } = lifted;
    lifted = null;
    row.classList.remove("order-lifted");
    handleOf(row).removeAttribute("aria-pressed");
    if (!keep) row.parentElement.append(...before);
    number(form);
    if (byKey) handleOf(row).focus();
    const changed = rowsOf(form).some((other, place) => other !== before[place]);
    if (keep && changed) form.requestSubmit(form.querySelector(".form-foot [data-once]"));
    say(keep ? form.dataset.dropped : form.dataset.back, row);
  }

  function step(by) {
    const { row, form } = lifted;
    const rows = rowsOf(form);
    const other = rows[rows.indexOf(row) + by];
    if (!other) return;
    if (by < 0) other.before(row);
    else other.after(row);
    handleOf(row).focus(); // moving it in the page takes the focus away
    row.scrollIntoView({ block: "nearest" });
    say(form.dataset.moved, row);
  }

  // ---- by keyboard ----

  document.addEventListener("keydown", (event) => {
    const handle = event.target.closest?.("[data-handle]");
    if (!handle) return;
    const row = handle.closest(".order-row");
    const mine = lifted?.byKey && lifted.row === row;
    if (event.key === " " || event.key === "Enter") {
      if (mine) putDown({ keep: true });
      else if (!lifted) lift(row, { byKey: true });
    } else if (mine && event.key === "ArrowUp") step(-1);
    else if (mine && event.key === "ArrowDown") step(1);
    else if (mine && event.key === "Escape") putDown({ keep: false });
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  // Who leaves the handle with something lifted has not put it down.
  document.addEventListener("focusout", (event) => {
    if (!lifted?.byKey || !event.target.matches("[data-handle]")) return;
    const { row } = lifted;
    requestAnimationFrame(() => {
      if (lifted?.byKey && lifted.row === row && document.activeElement !== handleOf(row)) putDown({ keep: false });
    });
  });

  // ---- by mouse and finger ----

  document.addEventListener("pointerdown", (event) => {
    const handle = event.target.closest?.("[data-handle]");
    if (!handle || event.button !== 0 || lifted) return;
    lift(handle.closest(".order-row"), { byKey: false });
    handle.setPointerCapture(event.pointerId);
  });

  document.addEventListener("pointermove", (event) => {
    if (!lifted || lifted.byKey) return;
    const { row, form } = lifted;
    const rows = rowsOf(form);
    const here = rows.indexOf(row);
    const under = rows.findIndex((other) => {
      const box = other.getBoundingClientRect();
      return event.clientY < box.top + box.height / 2;
    });
    const wanted = under === -1 ? rows.length : under;
    if (wanted < here) rows[wanted].before(row);
    else if (wanted > here + 1) rows[wanted - 1].after(row);
    const edge = 60;
    if (event.clientY < edge) scrollBy(0, -12);
    else if (event.clientY > innerHeight - edge) scrollBy(0, 12);
  });

  document.addEventListener("pointerup", () => {
    if (lifted && !lifted.byKey) putDown({ keep: true });
  });
  document.addEventListener("pointercancel", () => {
    if (lifted && !lifted.byKey) putDown({ keep: false });
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && lifted && !lifted.byKey) putDown({ keep: false });
  });

  function ready() {
    for (const handle of all("[data-order] [data-handle]")) handle.hidden = false;
  }

  ready();
  addEventListener("htmx:afterSettle", ready);
})();
