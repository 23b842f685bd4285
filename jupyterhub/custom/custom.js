// Learntrace for Classic Notebook 6, alone: what a learner runs goes to this page's own Jupyter server, nowhere else.
//
// Put it into <JUPYTER_CONFIG_DIR>/custom/custom.js. It needs jupyter-learntrace's server extension behind the page and
// no nbextension; where that is loaded too, it takes over (it has the indicator, and tells of added and removed cells).
// A course may add its own to the end of this file; `getAssignmentTag(cell)` is there for it, also on `window`.

define(['base/js/namespace', 'base/js/events'], function (Jupyter, events) {
  'use strict';

  const PREFIX = 'assignment:';
  const WELL_FORMED = /^assignment:[a-z0-9]+(-[a-z0-9]+)*$/;
  const BATCH = 200;
  const KEPT = 1000;
  const LONGEST_PAUSE = 30000;
  const KEEPALIVE_CHARACTERS = 20000; // a browser lets 64 KiB outlive the page, and a character has up to 3 bytes
  const ERROR_VALUE_CHARACTERS = 2000;
  const MOST_SOURCE = 1000000;

  // ---- Tags ---------------------------------------------------------------------------------------------------------

  const warned = new Set();

  function tagsOf(cell) {
    const tags = cell.metadata && cell.metadata.tags;
    return Array.isArray(tags) ? tags.filter(tag => typeof tag === 'string') : [];
  }

  // The assignment that a cell belongs to, as written ("assignment:lesson-03-exercise-1"); null without one.
  function getAssignmentTag(cell) {
    const tag = tagsOf(cell).find(one => one.startsWith(PREFIX) && one.length > PREFIX.length);
    if (tag && !WELL_FORMED.test(tag) && !warned.has(tag)) {
      warned.add(tag);
      console.warn(`Learntrace: "${tag}" is not assignment: and kebab-case, as in assignment:lesson-03-exercise-1`);
    }
    return tag || null;
  }

  window.getAssignmentTag = getAssignmentTag;

  // ---- Outbox: events wait here, and in the browser's storage, until the Jupyter server has them --------------------

  // crypto.randomUUID is missing where a hub is served over plain http.
  function uuid() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  }

  const session = uuid();
  // Jupyter.version is nbclassic's, which draws the page of Notebook 6.5.
  const version = (window.sys_info || {}).notebook_version || Jupyter.version;
  const baseUrl = decodeURIComponent(document.body.dataset.baseUrl || '/');
  // The learners of one hub may share a browser and always share its origin: the base URL keeps them apart.
  const stored = `learntrace-custom:${baseUrl}:`;
  let waiting = [];
  let size = BATCH;
  let pause = 0;
  let sending = false;
  let timer = null;

  // What earlier pages left. One that still lives sends its own as well: an id counts once, so a double is harmless.
  function adopt() {
    try {
      const left = Object.keys(localStorage).filter(key => key.startsWith(stored));
      left.forEach(key => waiting.push(...eventsIn(localStorage.getItem(key))));
      keep();
      left.forEach(key => localStorage.removeItem(key));
    } catch (error) {
      console.warn('Learntrace: the browser stores nothing; events wait in this page only', error);
    }
  }

  function eventsIn(text) {
    try {
      return JSON.parse(text);
    } catch (error) {
      return [];
    }
  }

  function keep() {
    if (waiting.length > KEPT) {
      console.warn(`Learntrace: more than ${KEPT} events wait for the Jupyter server; the oldest are dropped`);
      waiting = waiting.slice(-KEPT);
    }
    try {
      if (waiting.length) {
        localStorage.setItem(stored + session, JSON.stringify(waiting));
      } else {
        localStorage.removeItem(stored + session);
      }
    } catch (error) {
      console.warn('Learntrace: the browser stores no more; events wait in this page only', error);
    }
  }

  function post(batch, keepalive) {
    const xsrf = document.cookie.match(/\b_xsrf=([^;]*)\b/);
    return fetch(`${baseUrl}learntrace/events`, {
      method: 'POST',
      credentials: 'same-origin',
      keepalive,
      headers: Object.assign({ 'Content-Type': 'application/json' }, xsrf ? { 'X-XSRFToken': xsrf[1] } : {}),
      body: JSON.stringify({ events: batch })
    });
  }

  function forget(batch) {
    waiting = waiting.filter(event => !batch.includes(event));
    keep();
  }

  // 200: the server has them on its disk. 400 and 413: one of them is to blame, so fewer at once until it is found.
  // Anything else is a server that is away or full, or a login that ran out: wait and try again.
  function answered(batch, response) {
    if (response.status === 200) {
      pause = 0;
      size = BATCH;
      forget(batch);
      return response.json().then(answer => {
        (answer.rejected || []).forEach(one => console.warn('Learntrace: an event was rejected', one));
      });
    }
    if (response.status !== 400 && response.status !== 413) {
      throw new Error(`HTTP ${response.status}`);
    }
    if (batch.length === 1) {
      console.warn('Learntrace: an event was refused', response.status, batch[0].id);
      forget(batch);
    }
    size = Math.ceil(batch.length / 2);
    return null;
  }

  function flush() {
    timer = null;
    if (sending || !waiting.length) {
      return;
    }
    keep();
    sending = true;
    const batch = waiting.slice(0, size);
    post(batch, false)
      .then(response => answered(batch, response))
      .catch(() => {
        pause = Math.min(LONGEST_PAUSE, pause * 2 || 1000);
      })
      .then(() => {
        sending = false;
        schedule();
      });
  }

  function schedule() {
    if (timer === null && waiting.length) {
      timer = setTimeout(flush, pause || 100);
    }
  }

  adopt();
  schedule();

  // The file is loaded by the dashboard and the text editor as well; the nbextension may have been faster.
  if (!document.body.classList.contains('notebook_app') || Jupyter.learntrace) {
    return { getAssignmentTag };
  }

  // ---- Events -------------------------------------------------------------------------------------------------------

  function describe(cell) {
    const notebook = Jupyter.notebook.notebook_path;
    if (!cell) {
      return { type: 'notebook', notebook };
    }
    cell.learntraceId = cell.id || cell.learntraceId || uuid(); // Notebook before 6.5 gives a cell no id
    const assignment = getAssignmentTag(cell);
    return Object.assign(
      { type: 'cell', id: cell.learntraceId, notebook, tags: tagsOf(cell) },
      assignment ? { assignment } : {}
    );
  }

  function record(verb, object, result, at) {
    const kernel = Jupyter.notebook.kernel || Jupyter.notebook.metadata.kernelspec || {};
    const event = {
      id: uuid(),
      verb,
      timestamp: new Date(at || Date.now()).toISOString(),
      session_id: session,
      object,
      context: { frontend: 'classic', version, kernel: kernel.name || '' }
    };
    waiting.push(result ? Object.assign(event, { result }) : event);
    schedule();
  }

  // ---- Executions, by the id of their message: a cell that is run again before it ended has two ---------------------

  const running = new Map();
  let lastEnd = 0;

  // A queued cell starts when the kernel says busy for it, or at the latest when the one before it ended.
  function sent(_, { cell }) {
    const source = cell.get_text();
    // The server would refuse a request with a huge source in it; its execution is told without.
    const object = Object.assign(describe(cell), source.length > MOST_SOURCE ? {} : { source });
    const run = { cell, object, asked: performance.now() };
    running.set(cell.last_msg_id, run);
    const callbacks = cell.kernel.get_callbacks_for_msg(cell.last_msg_id);
    if (callbacks && callbacks.iopub) {
      callbacks.iopub.status = message => {
        if (message.content.execution_state === 'busy') {
          run.started = performance.now();
          run.startedDate = message.header.date;
        }
      };
    }
  }

  function replied(_, { reply }) {
    const run = running.get(reply.parent_header.msg_id);
    if (run) {
      run.ended = performance.now();
      run.endedDate = reply.header.date;
      run.reply = reply.content;
      finish(reply.parent_header.msg_id);
    }
  }

  function idle(_, message) {
    const run = running.get(message.msg_id);
    if (run) {
      run.idle = true;
      finish(message.msg_id);
    }
  }

  // The reply tells aborted (queued behind an error) from ok; a traceback in the outputs counts under an ok reply too.
  function outcome(run, message) {
    const reply = run.reply || { status: 'aborted' };
    const outputs = run.cell.last_msg_id === message ? run.cell.output_area.outputs : [];
    const error = reply.status === 'error' ? reply : outputs.find(output => output.output_type === 'error');
    if (error && reply.status !== 'aborted') {
      const value = String(error.evalue).slice(0, ERROR_VALUE_CHARACTERS);
      return { outcome: 'error', error_name: error.ename, error_value: value };
    }
    return { outcome: reply.status === 'ok' ? 'ok' : 'aborted' };
  }

  // By the kernel's dates, as the page may have been too busy to see its messages in time; else by what the page saw.
  function duration(run, seen) {
    const said = Math.round(Date.parse(run.endedDate) - Date.parse(run.startedDate));
    return said >= 0 ? said : Math.round(Math.max(0, seen));
  }

  function finish(message, lost) {
    const run = running.get(message);
    if (!lost && !(run.reply && run.idle)) {
      return;
    }
    running.delete(message);
    // Kernels say busy also for what they only abort.
    const ran = run.reply ? run.reply.status !== 'aborted' : run.started;
    const now = performance.now();
    const ended = run.ended || now;
    const started = run.started || Math.max(run.asked, ran ? lastEnd : 0);
    lastEnd = Math.max(lastEnd, ended);
    const result = Object.assign(outcome(run, message), {
      duration_ms: ran ? duration(run, ended - started) : 0
    });
    if (run.reply && Number.isInteger(run.reply.execution_count)) {
      result.execution_count = run.reply.execution_count;
    }
    record('executed', run.object, result, Date.now() - (now - started));
  }

  // What ran in a kernel that is gone has no reply to wait for.
  function lost(which) {
    Array.from(running.entries()).forEach(([message, run]) => which(run) && finish(message, true));
  }

  // What was queued may yet run: a kernel that died leaves its queue to the next one (seen with ipykernel 6), and what
  // that one is asked later it answers later. The first in the queue may have run, and died before its busy came out.
  function restarting() {
    const [first] = running.values();
    lost(run => run.started);
    if (first && !first.started) {
      Object.assign(first, { started: Math.max(first.asked, lastEnd), ended: performance.now() });
    }
    running.forEach(run => {
      run.orphaned = true;
    });
  }

  // The page itself asks a new kernel only if it hears it start, which it may miss: so we ask as well.
  const nextAnswered = () => lost(run => run.orphaned);

  // Behind a Jupyter server that was restarted the kernel is no more; the page would find that out after two minutes.
  function unreachable(_, { kernel }) {
    if (running.size) {
      kernel.get_info(null, xhr => xhr.status === 404 && lost(() => true));
    }
  }

  // ---- Document, focus, clipboard, kernel ---------------------------------------------------------------------------

  let opened = false;
  let focused = false;
  let died = false;

  function open() {
    if (!opened) {
      opened = true;
      record('opened', describe());
      look();
    }
  }

  const look = () => turn(document.visibilityState === 'visible' && document.hasFocus());

  function turn(now) {
    if (opened && now !== focused) {
      focused = now;
      record(now ? 'focused' : 'blurred', describe());
    }
  }

  // The page tells a death first as a restart, and in the same turn as what it was.
  function restarted() {
    died = false;
    Promise.resolve().then(() => record('restarted', describe(), died ? { error_name: 'KernelDied' } : undefined));
  }

  function pasted(event) {
    const element = event.target.closest && event.target.closest('.cell .CodeMirror');
    const cell = element && Jupyter.notebook.get_cells().find(one => one.element[0].contains(element));
    const text = event.clipboardData ? event.clipboardData.getData('text') : '';
    if (cell && cell.cell_type === 'code' && text) {
      record('pasted', describe(cell), { characters: Array.from(text).length });
    }
  }

  // What still runs has no outcome that anybody will see: aborted, so that the attempt isn't lost.
  function close() {
    lost(() => true);
    turn(false);
    if (opened) {
      opened = false;
      record('closed', describe());
    }
    keep();
    let characters = 0;
    const last = waiting.filter(event => (characters += JSON.stringify(event).length) < KEEPALIVE_CHARACTERS);
    if (last.length) {
      post(last, true).catch(() => null); // stored: the next page sends them
    }
  }

  const signals = {
    'notebook_loaded.Notebook': open,
    'notebook_saved.Notebook': () => record('saved', describe()),
    'kernel_restarting.Kernel': restarted,
    'kernel_autorestarting.Kernel': () => {
      died = true;
    },
    'kernel_interrupting.Kernel': () => record('interrupted', describe()),
    'execute.CodeCell': sent
  };
  const ends = {
    'shell_reply.Kernel': replied,
    'finished_iopub.Kernel': idle,
    'kernel_restarting.Kernel': restarting,
    'kernel_autorestarting.Kernel': (_, { kernel }) => kernel.kernel_info(nextAnswered),
    'kernel_ready.Kernel': nextAnswered,
    'kernel_connection_failed.Kernel': unreachable,
    'kernel_dead.Kernel kernel_connection_dead.Kernel kernel_killed.Kernel kernel_killed.Session': () =>
      lost(() => true)
  };

  // For the nbextension, which takes over: what runs here already still ends here.
  function release() {
    Object.keys(signals).forEach(name => events.off(name, signals[name]));
    ['focus', 'blur'].forEach(name => window.removeEventListener(name, look));
    document.removeEventListener('visibilitychange', look);
    document.removeEventListener('paste', pasted, true);
    window.removeEventListener('pagehide', close);
    window.addEventListener('pagehide', keep);
    return { session, opened, focused };
  }

  Jupyter.learntrace = { by: 'custom.js', release };
  Object.keys(ends).forEach(name => events.on(name, ends[name]));
  Object.keys(signals).forEach(name => events.on(name, signals[name]));
  ['focus', 'blur'].forEach(name => window.addEventListener(name, look));
  document.addEventListener('visibilitychange', look);
  document.addEventListener('paste', pasted, true);
  window.addEventListener('pagehide', close);
  if (Jupyter.notebook && Jupyter.notebook._fully_loaded) {
    open();
  }
  return { getAssignmentTag };
});
