// What was typed into a form survives a session that ends before it is sent: forms with data-draft keep their fields in this tab
// until the next page says what became of them. Passwords and files are never kept.
"use strict";

(() => {
  const PREFIX = "learntrace-draft ";
  const LEFT_OUT = new Set(["password", "file", "hidden", "submit", "button"]);
  const reader = document.querySelector(".account .who")?.textContent.trim() || "";

  function fieldsOf(form) {
    return [...form.elements].filter((field) => field.name && !LEFT_OUT.has(field.type));
  }

  function keep(form) {
    const values = fieldsOf(form).map((field) => {
      const choice = field.type === "checkbox" || field.type === "radio";
      return [field.name, choice ? field.checked : field.value];
    });
    try {
      sessionStorage.setItem(PREFIX + form.getAttribute("action"), JSON.stringify({ reader, values }));
    } catch {
      // Without storage the form is sent all the same.
    }
  }

  function bringBack(form, draft) {
    const fields = fieldsOf(form);
    // A page that has other fields now isn't filled with values of these.
    if (fields.length !== draft.values.length) return;
    for (const [place, [name, value]] of draft.values.entries()) {
      const field = fields[place];
      if (field.name !== name) return;
      if (typeof value === "boolean") field.checked = value;
      else field.value = value;
    }
    const closed = form.closest("details");
    if (closed) closed.open = true;
    const told = form.querySelector("[data-draft-told]");
    if (told) told.hidden = false;
    form.scrollIntoView({ block: "nearest" });
  }

  function readDraft(name) {
    try {
      const draft = JSON.parse(sessionStorage.getItem(name));
      sessionStorage.removeItem(name);
      return draft;
    } catch {
      return null;
    }
  }

  // Whoever comes from signing in was stopped on the way; after any other page the form has been answered.
  const signedIn = document.referrer && new URL(document.referrer).origin === location.origin
    && new URL(document.referrer).pathname.startsWith("/sign-in");
  for (const form of document.querySelectorAll("form[data-draft]")) {
    const draft = readDraft(PREFIX + form.getAttribute("action"));
    if (signedIn && draft && draft.reader === reader && Array.isArray(draft.values)) bringBack(form, draft);
    form.addEventListener("submit", () => keep(form));
  }
})();
