// Passkeys: a form with data-passkey asks the server what to ask the browser, and sends the browser's answer in its place.
"use strict";

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

function withBytes(options) {
  const named = (one) => ({ ...one, id: bytes(one.id) });
  return {
    ...options,
    challenge: bytes(options.challenge),
    ...(options.user && { user: named(options.user) }),
    ...(options.excludeCredentials && { excludeCredentials: options.excludeCredentials.map(named) }),
    ...(options.allowCredentials && { allowCredentials: options.allowCredentials.map(named) }),
  };
}

function asText(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = text(credential.response[name]);
  }
  const { id, type } = credential;
  return JSON.stringify({ id, rawId: text(credential.rawId), type, response, clientExtensionResults: {} });
}

async function answer(form) {
  const body = new FormData();
  body.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  const asked = await fetch(form.dataset.options, { method: "POST", body });
  if (!asked.ok) throw new Error(asked.status);
  const { publicKey } = await asked.json();
  const options = { publicKey: withBytes(publicKey) };
  const make = form.dataset.passkey === "make";
  return asText(await (make ? navigator.credentials.create(options) : navigator.credentials.get(options)));
}

for (const form of document.querySelectorAll("[data-passkey]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const fault = form.querySelector("[data-fault]");
    // The one that a browser gives where one of `excludeCredentials` is on the device.
    const there = form.querySelector("[data-there]") ?? fault;
    fault.hidden = there.hidden = true;
    try {
      form.elements.answer.value = await answer(form);
      form.submit();
    } catch (refused) {
      (refused.name === "InvalidStateError" ? there : fault).hidden = false;
    }
  });
}
