/* A form whose fields depend on each other: what is shown, what must be answered, which choices go with another one.
   The server judges the same; without this script everything is shown, with words that say when it applies. */
(() => {
  "use strict";

  const { all } = deskShared;

  function valueOf(form, name) {
    const field = form.elements[name];
    if (!field) return "";
    if (field instanceof RadioNodeList) return [...field].find((one) => one.checked && !one.disabled)?.value ?? "";
    if (field.disabled) return ""; // what is not shown answers nothing
    if (field.type === "checkbox") return field.checked ? "yes" : "";
    return field.value;
  }

  const holds = (form, conditions) => JSON.parse(conditions).some(([name, value]) => valueOf(form, name) === value);

  // What is not shown is not sent, and nobody insists on it.
  function show(form, box) {
    const shown = holds(form, box.dataset.shownWhen);
    box.hidden = !shown;
    for (const field of all("input, select, textarea", box)) field.disabled = !shown;
  }

  function require(form, box) {
    const must = holds(form, box.dataset.requiredWhen);
    const word = box.querySelector(".optional, .mark");
    box.classList.toggle("field-required", must);
    if (word) {
      word.dataset.otherwise ??= word.textContent;
      word.className = must ? "mark" : "optional";
      word.textContent = must ? box.dataset.requiredWord : word.dataset.otherwise;
    }
    for (const field of all("input, select, textarea", box)) field.required = must;
  }

  // A choice shows only what goes with the other one; its own choices are put aside, never lost.
  const kept = new WeakMap();

  function follow(form, select) {
    if (!kept.has(select)) kept.set(select, [...select.children].map((child) => child.cloneNode(true)));
    const chosen = valueOf(form, select.dataset.follows);
    const before = select.value;
    const fits = (option) => !option.dataset.with || option.dataset.with === chosen;
    const children = kept.get(select).map((child) => child.cloneNode(true));
    for (const group of children) {
      if (group.matches("optgroup")) group.replaceChildren(...[...group.children].filter(fits));
    }
    select.replaceChildren(...children.filter((child) => (child.matches("optgroup") ? child.children.length : fits(child))).flatMap((child) => (child.matches("optgroup") ? [...child.children] : [child])));
    select.value = [...select.options].some((option) => option.value === before) ? before : "";
    const box = select.closest(".field");
    box.hidden = select.options.length < 2 || ("shownWhen" in box.dataset && !holds(form, box.dataset.shownWhen));
  }

  // Kinds that need a contract for the chosen product.
  function offerKinds(form) {
    const product = form.elements.product;
    const option = product?.selectedOptions?.[0];
    if (!option) return;
    const closed = option.dataset.covered === "no";
    for (const radio of all("[data-needs-cover]", form)) {
      radio.disabled = closed;
      radio.closest("label")?.classList.toggle("off", closed);
      if (closed && radio.checked) {
        radio.checked = false;
        const first = form.querySelector(`input[name="${radio.name}"]:not([disabled])`);
        if (first) first.checked = true;
      }
    }
    const box = form.querySelector("[data-reason]");
    const why = box?.querySelector("[data-why]");
    if (why) {
      why.hidden = !closed;
      why.textContent = closed ? box.dataset.reason : "";
    }
  }

  function arrange(form) {
    // What is hidden may hide more, wherever it stands: as often as there are conditions.
    const boxes = all("[data-shown-when]", form);
    for (const _ of boxes) boxes.forEach((box) => show(form, box));
    offerKinds(form); // after what is shown: it closes some of it again
    all("select[data-follows]", form).forEach((select) => follow(form, select));
    all("[data-required-when]", form).forEach((box) => require(form, box));
  }

  // Another organisation has other products and prices: the page comes anew, and the draft brings back what was typed.
  function reload(select) {
    const to = new URL(location.href);
    to.searchParams.set("organisation", select.value);
    dispatchEvent(new Event("pagehide"));
    location.assign(to);
  }

  document.addEventListener("change", (event) => {
    const form = event.target.form;
    if (!form?.matches("[data-arranged]")) return;
    if ("reload" in event.target.dataset) return reload(event.target);
    arrange(form);
  });

  function ready(root) {
    for (const form of all("form[data-arranged]", root)) arrange(form);
  }

  // After the draft has been put back, which desk.js does first.
  addEventListener("DOMContentLoaded", () => ready(document));
  addEventListener("htmx:afterSettle", (event) => ready(event.detail.elt.closest("form[data-arranged]")?.parentElement || event.detail.elt));
})();
