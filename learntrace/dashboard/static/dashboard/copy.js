// Buttons that copy a text. Where the browser doesn't let a page write to the clipboard, the text is selected to be copied by hand.
"use strict";

(() => {
  const SHOWN_FOR = 4000;

  const select = (element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  };

  const write = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Pages without TLS have no clipboard; the old way copies what is selected.
      return document.execCommand("copy");
    }
  };

  // A status of its own, as a screen reader says what a live region becomes.
  const say = (button, text) => {
    let status = button.nextElementSibling;
    if (!status) {
      status = document.createElement("span");
      status.setAttribute("role", "status");
      status.className = "quiet";
      button.after(status);
    }
    status.textContent = text;
    window.setTimeout(() => { status.textContent = ""; }, SHOWN_FOR);
  };

  const show = (root) => {
    for (const button of root.querySelectorAll("[data-copy][hidden]")) button.hidden = false;
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const element = document.getElementById(button.dataset.copy);
    select(element);
    const copied = await write(element.textContent);
    say(button, copied ? button.dataset.done : button.dataset.selected);
  });
  document.addEventListener("learntrace:put", () => show(document));
  show(document);
})();
