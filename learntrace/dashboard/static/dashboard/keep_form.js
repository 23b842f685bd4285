// Keeps what somebody has typed where a session ends in the middle: after signing in again, the form is filled as it was.
"use strict";

(() => {
  const KEPT = "learntrace.kept";
  const LONGEST = 200000;
  const store = (() => {
    try {
      return window.sessionStorage;
    } catch {
      return null;
    }
  })();
  if (!store) return;
  // Whoever signs in with another account doesn't see it.
  const account = document.documentElement.dataset.account;

  // Passwords, files and the form's own token are never kept.
  const keepable = (field) => field.name && field.name !== "csrfmiddlewaretoken" && !["password", "file", "hidden", "submit", "button"].includes(field.type);
  const isChosen = (field) => ["checkbox", "radio"].includes(field.type);

  const read = (form) => [...form.elements].filter(keepable).map((field) => [field.name, isChosen(field) ? (field.checked ? field.value : null) : field.value, isChosen(field) ? field.value : ""]);

  // A form is known by where it is sent: its page may have another URL after signing in, if it was the answer to another form.
  const nameOf = (form) => [form.getAttribute("action") || location.pathname, [...document.forms].filter((one) => one.action === form.action).indexOf(form)].join(" ");

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-keep], form[method=post]") || form.closest(".leave") || form.querySelector("[type=password]:not([data-kept])") && !form.matches("[data-keep]")) return;
    const fields = read(form);
    const text = JSON.stringify({ name: nameOf(form), fields, account, ended: false });
    if (fields.length && text.length < LONGEST) store.setItem(KEPT, text);
  });

  const kept = (() => {
    try {
      return JSON.parse(store.getItem(KEPT));
    } catch {
      return null;
    }
  })();
  if (!kept) return;

  // The page that says that the session has ended: what was sent is still to be done.
  if (document.querySelector("[data-session-ended]")) {
    store.setItem(KEPT, JSON.stringify({ ...kept, ended: true }));
    return;
  }
  if (document.querySelector("[data-signing-in]")) return;
  // Any other page is the answer to what was sent, or where the reader went on to after signing in.
  store.removeItem(KEPT);
  // A page that the server has filled says so: there is nothing left to do.
  const shown = document.querySelector("[data-kept-shown]");
  if (shown) shown.scrollIntoView({ block: "center" });
  if (!kept.ended || shown || kept.account !== account) return;
  const form = [...document.forms].find((one) => nameOf(one) === kept.name);
  if (!form) return;
  const left = kept.fields.slice();
  for (const field of [...form.elements].filter(keepable)) {
    const at = left.findIndex(([name, , own]) => name === field.name && (!isChosen(field) || own === field.value));
    if (at < 0) continue;
    const [[, value]] = left.splice(at, 1);
    if (isChosen(field)) field.checked = value !== null;
    else if (value !== null) field.value = value;
  }
  const details = form.closest("details");
  if (details) details.open = true;
  const told = document.querySelector("template[data-kept-note]");
  if (told) form.prepend(told.content.cloneNode(true));
  form.scrollIntoView({ block: "center" });
})();
