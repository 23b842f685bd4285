// Alerts on Class now: a notification and a sound when a new concern comes. Off until somebody turns them on; kept in the browser.
// stream.js tells one tab of the browser of each change of a concern; that one decides whether it is new here.
"use strict";

(() => {
  const CHOICE = "learntrace-alerts";
  const KNOWN = "learntrace-known-concerns";
  // What comes together is told together.
  const GATHER = 1000;
  const KEPT = 500;
  const HOUR = 3600000;
  // A concern that has stood for longer was there before, though this page does not list it; a class that is replayed has other years.
  const NEW_FOR = HOUR / 6;

  const menu = () => document.querySelector("[data-alerts]");
  const read = (name) => {
    try { return JSON.parse(localStorage.getItem(name) ?? "{}") ?? {}; } catch { return {}; }
  };
  const write = (name, value) => {
    try { localStorage.setItem(name, JSON.stringify(value)); } catch { /* A browser that keeps nothing: until the page is left. */ }
  };
  let choice = read(CHOICE);

  const known = () => {
    const now = Date.now();
    const all = Object.entries(read(KNOWN)).filter(([, at]) => now - at < 12 * HOUR);
    return new Map(all.sort((a, b) => b[1] - a[1]).slice(0, KEPT));
  };
  const keep = (concerns) => write(KNOWN, Object.fromEntries(concerns));

  // What stands on the page is not new.
  const notice = () => {
    const concerns = known();
    for (const card of document.querySelectorAll("[data-concern]")) concerns.set(card.dataset.concern, Date.now());
    keep(concerns);
  };

  let context = null;
  const ring = async () => {
    try {
      context ??= new AudioContext();
      await context.resume();
      for (const [start, pitch] of [[0, 660], [0.16, 880]]) {
        const tone = context.createOscillator();
        const volume = context.createGain();
        const at = context.currentTime + start;
        tone.frequency.value = pitch;
        volume.gain.setValueAtTime(0, at);
        volume.gain.linearRampToValueAtTime(0.2, at + 0.02);
        volume.gain.exponentialRampToValueAtTime(0.001, at + 0.3);
        tone.connect(volume).connect(context.destination);
        tone.start(at);
        tone.stop(at + 0.32);
      }
    } catch { /* No loudspeaker, or the browser wants a click first. */ }
  };

  const notify = (concerns) => {
    if (!("Notification" in window) || Notification.permission !== "granted") return;
    const { one, many, class: ofClass, icon } = menu().dataset;
    const title = concerns.length === 1 ? one : many.replace("{number}", concerns.length);
    const names = concerns.map(({ learner, assignment, asset }) => [learner ? "" : ofClass, (assignment ?? asset ?? "").replace(/^assignment:/, "")].filter(Boolean).join(": "));
    try {
      const note = new Notification(title, { body: [...new Set(names)].slice(0, 4).join("\n"), icon, tag: "learntrace-concerns", renotify: true, silent: true });
      note.onclick = () => { window.focus(); note.close(); };
    } catch { /* A phone's browser wants them from elsewhere. */ }
  };

  let waiting = [];
  const alertTo = (fresh) => {
    if (!waiting.length) {
      window.setTimeout(() => {
        const concerns = waiting;
        waiting = [];
        if (choice.sound) ring();
        if (choice.notify) notify(concerns);
      }, GATHER);
    }
    waiting.push(...fresh);
  };

  document.addEventListener("learntrace:concern", ({ detail: concern }) => {
    const concerns = known();
    const key = String(concern.id);
    const stood = Date.now() - Date.parse(concern.since);
    const old = concerns.has(key) || (stood > NEW_FOR && stood < 24 * HOUR);
    if (concern.state === "over") concerns.delete(key);
    else concerns.set(key, Date.now());
    keep(concerns);
    if (concern.state === "open" && !old && menu()) alertTo([concern]);
  });

  const show = () => {
    const box = menu();
    if (!box) return;
    for (const input of box.querySelectorAll("[data-alert]")) input.checked = Boolean(choice[input.dataset.alert]);
    box.querySelector("[data-alerts-on]").hidden = !choice.notify && !choice.sound;
  };
  const tell = (text) => {
    const told = menu().querySelector("[data-alerts-told]");
    told.textContent = text ?? "";
    told.hidden = !text;
  };

  // The browser asks for its permission only here, when somebody turns notifications on.
  const permitted = async () => {
    const { denied, unsupported } = menu().querySelector("[data-alerts-told]").dataset;
    if (!("Notification" in window)) { tell(unsupported); return false; }
    const answer = Notification.permission === "default" ? await Notification.requestPermission() : Notification.permission;
    if (answer !== "granted") tell(denied);
    return answer === "granted";
  };

  document.addEventListener("change", async (event) => {
    const input = event.target.closest?.("[data-alert]");
    if (!input) return;
    tell("");
    if (input.checked && input.dataset.alert === "notify" && !(await permitted())) input.checked = false;
    choice = { ...read(CHOICE), [input.dataset.alert]: input.checked };
    write(CHOICE, choice);
    show();
    // What it will sound like; and browsers let pages sound only after a click.
    if (input.checked && input.dataset.alert === "sound") ring();
    document.dispatchEvent(new Event("learntrace:alerts"));
  });
  window.addEventListener("storage", (event) => {
    if (event.key !== CHOICE) return;
    choice = read(CHOICE);
    show();
    document.dispatchEvent(new Event("learntrace:alerts"));
  });

  // Permission may have been taken back meanwhile.
  if (choice.notify && (!("Notification" in window) || Notification.permission !== "granted")) choice = { ...choice, notify: false };
  document.addEventListener("learntrace:put", () => { notice(); show(); });
  notice();
  show();
})();
