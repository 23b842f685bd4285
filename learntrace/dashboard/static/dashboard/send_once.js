// A form that is sent by a double click is sent once. The second request would do it again, and its page would replace the
// first's: a key or a link that is shown this once would never be seen, and whoever accepts an invitation would be told
// that it was used already.
"use strict";

(() => {
  // Long enough for a double click; a form whose page stays, such as a download, can be sent again afterwards.
  const PAUSE = 1500;
  const sentAt = new WeakMap();

  document.addEventListener("submit", (event) => {
    // What a script sends itself, it guards itself.
    if (event.defaultPrevented || event.target.method !== "post") return;
    const before = sentAt.get(event.target);
    if (before !== undefined && event.timeStamp - before < PAUSE) event.preventDefault();
    else sentAt.set(event.target, event.timeStamp);
  });
})();
