// Shows how far an import is, and copies what is shown once.
"use strict";

(() => {
  const EVERY = 700;
  const LONGEST = 5000;

  // The part with the bar is asked for anew until the page says that the work is over; then all of it is.
  const poll = async (pause) => {
    let next = pause;
    try {
      const answer = await fetch(location.href, { headers: { "Learntrace-Parts": "1" } });
      if (answer.status === 401) return location.reload();
      if (!answer.ok) throw new Error(String(answer.status));
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-poll]");
      if (!fresh) return location.reload();
      document.querySelector("[data-poll]").replaceChildren(...fresh.childNodes);
      next = EVERY;
    } catch {
      next = Math.min(pause * 2, LONGEST);
    }
    setTimeout(poll, next, next);
  };
  if (document.querySelector("[data-poll]")) setTimeout(poll, EVERY, EVERY);

  // A file that no request may hold is refused here: the server would end the connection while it is sent.
  for (const field of document.querySelectorAll("[data-most-bytes]")) {
    field.addEventListener("change", () => {
      const file = field.files[0];
      field.setCustomValidity(file && file.size > Number(field.dataset.mostBytes) ? field.dataset.tooLarge : "");
      field.reportValidity();
    });
  }

  for (const button of document.querySelectorAll("[data-copy]")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      button.textContent = button.dataset.done;
    });
  }
})();
