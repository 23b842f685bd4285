// The live stream as a page follows it: shared with the other tabs of the browser where it can be, and closed while nobody looks.
"use strict";

// Calls `hear` with the kind of each event: "hello" when the stream has begun, "down" when it is lost.
// `place` has the stream's address, the address of the script that is shared, and the name under which it is shared.
window.learntraceStream = ({ stream, worker, name }, hear) => {
  const KINDS = ["hello", "signal", "concern", "progress", "webhook", "reset"];
  const HEARTBEAT = 20000;
  const AGAIN = 15000;

  const shared = () => {
    const script = new SharedWorker(worker, { name });
    const { port } = script;
    // It could not be loaded.
    script.onerror = own;
    const say = (looking) => port.postMessage({ stream, looking });
    port.onmessage = ({ data }) => hear(data);
    const look = () => say(!document.hidden);
    window.setInterval(() => { if (!document.hidden) say(true); }, HEARTBEAT);
    document.addEventListener("visibilitychange", look);
    window.addEventListener("pagehide", () => say(false));
    window.addEventListener("pageshow", look);
    look();
  };

  // Browsers without shared scripts: the tab in front has a stream of its own.
  const own = () => {
    let source = null;
    let timer = 0;
    const open = () => {
      window.clearTimeout(timer);
      if (source || document.hidden) return;
      source = new EventSource(stream);
      for (const kind of KINDS) source.addEventListener(kind, () => hear(kind));
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
    document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
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
