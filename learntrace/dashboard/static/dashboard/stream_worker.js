// One live stream for all tabs of a browser. Browsers open six connections to a server at most, and a stream keeps one for
// itself: with one a tab, six tabs would leave none for anything else.
"use strict";

const KINDS = ["hello", "signal", "concern", "progress", "webhook", "reset"];
// A tab that was killed says no goodbye: it is forgotten when it has been silent so long. Browsers let hidden tabs, which wait
// for alerts, speak once a minute.
const SILENCE = 60000;
const HIDDEN_SILENCE = 150000;
const AGAIN = 15000;
// A reload closes its tab's port and opens another one.
const LINGER = 3000;

// The tabs that are being looked at, or wait for alerts: what each has told last, and when.
const tabs = new Map();
let address = "";
let source = null;
let live = false;
let timer = 0;

const tell = (kind) => { for (const [port, tab] of tabs) if (tab.looking) port.postMessage(kind); };

// However many tabs there are, one of them alerts: one in front if there is one, and one that the browser lets sound.
const alertOne = (text) => {
  const waiting = [...tabs].filter(([, tab]) => tab.alerting);
  const rank = (tab) => (tab.active ? 2 : 0) + (tab.looking ? 1 : 0);
  waiting.sort(([, a], [, b]) => rank(b) - rank(a));
  if (waiting.length) waiting[0][0].postMessage({ concern: JSON.parse(text) });
};

const open = () => {
  if (source || !address) return;
  source = new EventSource(address);
  for (const kind of KINDS) {
    source.addEventListener(kind, (event) => {
      if (kind === "hello") live = true;
      if (kind === "concern") alertOne(event.data);
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

// A connection that was open while the computer slept may be dead without knowing it.
const renew = () => {
  close();
  tell("down");
  open();
};

const settle = () => {
  const now = Date.now();
  for (const [port, tab] of tabs) if (now - tab.heard > (tab.looking ? SILENCE : HIDDEN_SILENCE)) tabs.delete(port);
  if (tabs.size) open();
  else close();
};

const later = (milliseconds) => {
  clearTimeout(timer);
  timer = setTimeout(settle, milliseconds);
};

const hear = (port, message) => {
  if (message.stream) address = message.stream;
  if (message.looking || message.alerting) {
    const known = tabs.get(port)?.looking;
    tabs.set(port, { looking: message.looking, alerting: message.alerting, active: message.active, heard: Date.now() });
    if (message.woke) renew();
    else open();
    // Whoever comes later has missed the beginning.
    if (message.looking && !known && live) port.postMessage("hello");
  } else {
    tabs.delete(port);
    if (!tabs.size) later(LINGER);
  }
};

self.onconnect = (event) => {
  const [port] = event.ports;
  port.onmessage = ({ data }) => hear(port, data);
};
setInterval(settle, SILENCE / 2);
