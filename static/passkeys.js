/* Passkeys: a form with data-passkey is sent with what the person's device answers. Its words are in the page. */
(() => {
  "use strict";

  const toBytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  const toText = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  const withBytes = (list) => (list || []).map((item) => ({ ...item, id: toBytes(item.id) }));
  const given = () => JSON.parse(document.getElementById("passkey-options").textContent);

  const asked = {
    async create(form) {
      const options = given().creation_options.publicKey;
      const alone = form.elements.passwordless.checked;
      const kind = { ...options.authenticatorSelection, residentKey: alone ? "required" : "discouraged", requireResidentKey: alone };
      if (alone) kind.userVerification = "required";
      return navigator.credentials.create({
        publicKey: {
          ...options,
          challenge: toBytes(options.challenge),
          user: { ...options.user, id: toBytes(options.user.id) },
          excludeCredentials: withBytes(options.excludeCredentials),
          authenticatorSelection: kind,
        },
      });
    },
    get: () => get(given().request_options.publicKey),
    async login(form) {
      const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(`The server answered ${answer.status}`);
      return get((await answer.json()).request_options.publicKey);
    },
  };

  function get(options) {
    return navigator.credentials.get({
      publicKey: { ...options, challenge: toBytes(options.challenge), allowCredentials: withBytes(options.allowCredentials) },
    });
  }

  function plain(key) {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (key.response[name]) response[name] = toText(key.response[name]);
    }
    return { id: key.id, rawId: toText(key.rawId), type: key.type, response, clientExtensionResults: key.getClientExtensionResults() };
  }

  function say(form, error) {
    const said = form.querySelector("[data-passkey-said]");
    const words = { NotAllowedError: "refused", AbortError: "refused", InvalidStateError: "known", missing: "missing" };
    said.textContent = said.dataset[words[error.name] || "failed"];
    said.hidden = false;
  }

  // Before anything else hears of it: the form goes out when the device has answered.
  addEventListener(
    "submit",
    async (event) => {
      const form = event.target;
      if (!form.dataset.passkey || form.elements.credential.value) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      try {
        if (!navigator.credentials || !window.PublicKeyCredential) throw { name: "missing" };
        form.elements.credential.value = JSON.stringify(plain(await asked[form.dataset.passkey](form)));
        form.requestSubmit(event.submitter);
      } catch (error) {
        say(form, error);
      }
    },
    true,
  );

  // An answer is good once: what a refused form or the browser's memory brought back is none.
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-passkey]")) {
      form.elements.credential.value = "";
      form.hidden = false;
    }
  });
})();
