// A form that is sent by a double click is sent once. The second request would do it again, and its page would replace the
// first's: a key or a link that is shown this once would never be seen, and whoever accepts an invitation would be told
// that it was used already.
//
// A page that shows such a key or link is the answer to a form: reloaded, it is opened anew, where the browser would ask
// whether to send the form again. `once.py` refuses it then, which is what a browser without scripts gets.
"use strict";

(() => {
  // Long enough for a double click; a form whose page stays, such as a download, can be sent again afterwards.
  const PAUSE = 1500;
  const sentAt = new WeakMap();

  if (document.querySelector("[data-shown-once]")) history.replaceState(history.state, "", location.href);

  // What takes seconds says so until its page comes.
  const showWork = (form) => {
    const text = form.dataset.working;
    if (!text || form.querySelector("[role=status]")) return;
    const note = document.createElement("p");
    note.setAttribute("role", "status");
    const bar = document.createElement("progress");
    bar.className = "bar";
    bar.setAttribute("aria-label", text);
    note.append(bar, text);
    form.append(note);
  };

  document.addEventListener("submit", (event) => {
    // What a script sends itself, it guards itself.
    if (event.defaultPrevented || event.target.method !== "post") return;
    const before = sentAt.get(event.target);
    if (before !== undefined && event.timeStamp - before < PAUSE) {
      event.preventDefault();
      return;
    }
    sentAt.set(event.target, event.timeStamp);
    showWork(event.target);
  });
})();
