// Concerns on a page: what was done last can be undone, several are handled at once, and keys reach all of it.
"use strict";

(() => {
  // Looked for each time: a page that was empty is replaced as a whole.
  const toast = () => document.querySelector("[data-toast]");
  const bulk = () => document.querySelector("[data-bulk]");
  const keys = () => document.querySelector("[data-keys]");
  const SHOWN_FOR = 12000;
  const plainTitle = document.title;
  // The last things done here, each as the pairs that undo it.
  const done = [];
  let timer = 0;

  const show = (text, { failed = false, undo = false } = {}) => {
    window.clearTimeout(timer);
    const box = toast();
    if (!box) return;
    box.hidden = false;
    box.classList.toggle("bad", failed);
    box.querySelector("[data-told]").textContent = text;
    box.querySelector("[data-undo]").hidden = !undo;
    timer = window.setTimeout(() => { box.hidden = true; }, SHOWN_FOR);
  };

  document.addEventListener("learntrace:done", (event) => {
    const { told: text, undo = [], failed } = event.detail;
    if (undo.length) done.push(undo);
    show(text, { failed, undo: undo.length > 0 });
    for (const box of boxes()) box.checked = false;
    count();
  });

  const undo = async () => {
    const pairs = toast() && done.pop();
    if (!pairs) return;
    const body = new FormData();
    body.append("csrfmiddlewaretoken", document.querySelector("[name=csrfmiddlewaretoken]").value);
    for (const pair of pairs) body.append("undo", pair);
    try {
      const answer = await fetch(toast().dataset.undoUrl, { method: "POST", body, headers: { "Learntrace-Parts": "1" }, redirect: "error" });
      if (!answer.ok) throw new Error(String(answer.status));
      const outcome = await answer.json();
      // What is undone cannot be undone; the key reaches what was done before.
      show(outcome.told, { failed: outcome.failed });
    } catch {
      done.push(pairs);
      show(document.querySelector("[data-live]")?.dataset.unsent ?? "", { failed: true, undo: true });
    }
    document.dispatchEvent(new Event("learntrace:changed"));
  };
  document.addEventListener("click", (event) => { if (event.target.closest("[data-undo]")) undo(); });

  const boxes = () => [...document.querySelectorAll("[data-concern] input[type=checkbox]")];
  const count = () => {
    const number = boxes().filter((box) => box.checked).length;
    const form = bulk();
    if (!form) return;
    form.hidden = number === 0;
    form.querySelector("[data-selected]").textContent = form.dataset.word.replace("{number}", number);
  };
  document.addEventListener("change", (event) => { if (event.target.matches("[data-concern] input[type=checkbox]")) count(); });
  document.addEventListener("reset", (event) => { if (event.target.matches("[data-bulk]")) window.setTimeout(count); });

  // The tab says how many wait, also while another one is read.
  const title = () => {
    const waiting = document.querySelector("[data-open-count]")?.dataset.openCount;
    document.title = waiting && waiting !== "0" ? `(${waiting}) ${plainTitle}` : plainTitle;
  };
  document.addEventListener("learntrace:put", () => { title(); count(); });
  title();

  const cards = () => [...document.querySelectorAll("[data-concern]")].filter((card) => card.checkVisibility());
  const here = () => document.activeElement?.closest?.("[data-concern]");
  const step = (by) => {
    const all = cards();
    if (!all.length) return;
    const at = all.indexOf(here());
    const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1);
    all[next].focus();
    all[next].scrollIntoView({ block: "nearest" });
  };
  const press = (value) => {
    const card = here();
    // What is selected is meant, wherever one is.
    if (bulk() && !bulk().hidden) return bulk().querySelector(`button[value="${value}"]`)?.click();
    card?.querySelector(`button[value="${value}"]`)?.click();
  };
  const commands = {
    j: () => step(1),
    k: () => step(-1),
    e: () => press("acknowledge"),
    h: () => here()?.querySelector("[data-hand]")?.click(),
    s: () => press("snooze:10"),
    x: () => here()?.querySelector("input[type=checkbox]")?.click(),
    z: undo,
    "/": () => document.getElementById("search")?.focus(),
    "?": () => keys()?.showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || keys()?.open) return;
    if (event.target.matches("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
    const command = Object.hasOwn(commands, event.key) ? commands[event.key] : null;
    if (!command) return;
    event.preventDefault();
    command();
  });
})();
