// The live stream as a page follows it: shared with the other tabs of the browser where it can be, and closed while nobody looks.
"use strict";

// Calls `hear` with the kind of each event: "hello" when the stream has begun, "down" when it is lost.
// `place` has the stream's address, the address of the script that is shared, and the name under which it is shared.
window.learntraceStream = ({ stream, worker, name }, hear) => {
  const KINDS = ["hello", "signal", "concern", "progress", "webhook", "reset"];
  const HEARTBEAT = 20000;
  const AGAIN = 15000;

  // Whether this page can alert, and this browser's user wants it (alerts.js).
  const alerting = () => {
    if (!document.querySelector("[data-alerts]")) return false;
    try {
      const choice = JSON.parse(localStorage.getItem("learntrace-alerts") ?? "{}");
      return Boolean(choice.notify || choice.sound);
    } catch {
      return false;
    }
  };
  const tellConcern = (concern) => document.dispatchEvent(new CustomEvent("learntrace:concern", { detail: concern }));

  const shared = () => {
    const script = new SharedWorker(worker, { name });
    const { port } = script;
    // It could not be loaded.
    script.onerror = own;
    const say = (more = {}) => port.postMessage({
      stream, looking: !document.hidden, alerting: alerting(), active: navigator.userActivation?.hasBeenActive ?? true, ...more,
    });
    port.onmessage = ({ data }) => (data.concern ? tellConcern(data.concern) : hear(data));
    const look = () => say();
    window.setInterval(() => { if (!document.hidden || alerting()) say(); }, HEARTBEAT);
    document.addEventListener("visibilitychange", look);
    document.addEventListener("learntrace:alerts", look);
    document.addEventListener("learntrace:woke", () => say({ woke: true }));
    window.addEventListener("pagehide", () => say({ looking: false, alerting: false }));
    window.addEventListener("pageshow", look);
    look();
  };

  // Browsers without shared scripts: the tab in front has a stream of its own.
  const own = () => {
    let source = null;
    let timer = 0;
    const open = () => {
      window.clearTimeout(timer);
      if (source || (document.hidden && !alerting())) return;
      source = new EventSource(stream);
      for (const kind of KINDS) source.addEventListener(kind, () => hear(kind));
      source.addEventListener("concern", (event) => { if (alerting()) tellConcern(JSON.parse(event.data)); });
      source.onerror = () => {
        hear("down");
        if (source?.readyState !== EventSource.CLOSED) return;
        source = null;
        timer = window.setTimeout(open, AGAIN);
      };
    };
    const close = () => {
      source?.close();
      source = null;
    };
    document.addEventListener("visibilitychange", () => (document.hidden && !alerting() ? close() : open()));
    document.addEventListener("learntrace:woke", () => { close(); open(); });
    window.addEventListener("pagehide", close);
    window.addEventListener("pageshow", open);
    open();
  };

  if (!("SharedWorker" in window)) return own();
  try {
    shared();
  } catch {
    // Some browsers forbid it, in private windows for instance.
    own();
  }
};
