// One live stream for all tabs of a browser. Browsers open six connections to a server at most, and a stream keeps one for
// itself: with one a tab, six tabs would leave none for anything else.
"use strict";

const KINDS = ["hello", "signal", "concern", "progress", "webhook", "reset"];
// A tab that was killed says no goodbye: it is forgotten when it has been silent so long.
const SILENCE = 60000;
const AGAIN = 15000;
// A reload closes its tab's port and opens another one.
const LINGER = 3000;

// The tabs that are being looked at, with the time at which each was last heard.
const looking = new Map();
let address = "";
let source = null;
let live = false;
let timer = 0;

const tell = (kind) => { for (const port of looking.keys()) port.postMessage(kind); };

const open = () => {
  if (source || !address) return;
  source = new EventSource(address);
  for (const kind of KINDS) {
    source.addEventListener(kind, () => {
      if (kind === "hello") live = true;
      tell(kind);
    });
  }
  source.onerror = () => {
    live = false;
    tell("down");
    // Refused for good, or by a server that is starting: the browser doesn't try again by itself.
    if (source && source.readyState === EventSource.CLOSED) {
      source = null;
      later(AGAIN);
    }
  };
};

const close = () => {
  source?.close();
  source = null;
  live = false;
};

const settle = () => {
  const oldest = Date.now() - SILENCE;
  for (const [port, heard] of looking) if (heard < oldest) looking.delete(port);
  if (looking.size) open();
  else close();
};

const later = (milliseconds) => {
  clearTimeout(timer);
  timer = setTimeout(settle, milliseconds);
};

const hear = (port, message) => {
  if (message.stream) address = message.stream;
  if (message.looking) {
    const known = looking.has(port);
    looking.set(port, Date.now());
    open();
    // Whoever comes later has missed the beginning.
    if (!known && live) port.postMessage("hello");
  } else {
    looking.delete(port);
    if (!looking.size) later(LINGER);
  }
};

self.onconnect = (event) => {
  const [port] = event.ports;
  port.onmessage = ({ data }) => hear(port, data);
};
setInterval(settle, SILENCE / 2);
