/*!
 * Learntrace for Classic Notebook 6, alone: what a learner runs goes to this page's own Jupyter server, nowhere else.
 *
 * Put it into <JUPYTER_CONFIG_DIR>/custom/custom.js. It needs jupyter-learntrace's server extension behind the page and
 * no nbextension; where that is loaded too, it takes over (it has the indicator, and tells of added and removed cells).
 * A course may add its own to the end of this file; `getAssignmentTag(cell)` is there for it, also on `window`.
 *
 * Built from jupyter-learntrace/src/custom/main.ts.
 */
define(["base/js/namespace","base/js/events"], function(__rspack_external__637, __rspack_external__67){
 return (() => {
"use strict";
var __webpack_modules__ = ({
67(module) {
module.exports = __rspack_external__67;

},
637(module) {
module.exports = __rspack_external__637;

},

});
// The module cache
var __webpack_module_cache__ = {};

// The require function
function __webpack_require__(moduleId) {

// Check if module is in cache
var cachedModule = __webpack_module_cache__[moduleId];
if (cachedModule !== undefined) {
return cachedModule.exports;
}
// Create a new module (and put it into the cache)
var module = (__webpack_module_cache__[moduleId] = {
exports: {}
});
// Execute the module function
__webpack_modules__[moduleId](module, module.exports, __webpack_require__);

// Return the exports of the module
return module.exports;

}

// webpack/runtime/compat_get_default_export
(() => {
// getDefaultExport function for compatibility with non-ESM modules
__webpack_require__.n = (module) => {
	var getter = module && module.__esModule ?
		() => (module['default']) :
		() => (module);
	__webpack_require__.d(getter, { a: getter });
	return getter;
};

})();
// webpack/runtime/define_property_getters
(() => {
__webpack_require__.d = (exports, getters, values) => {
	var define = (defs, kind) => {
		for(var key in defs) {
			if(__webpack_require__.o(defs, key) && !__webpack_require__.o(exports, key)) {
				Object.defineProperty(exports, key, { enumerable: true, [kind]: defs[key] });
			}
		}
	};
	define(getters, "get");
	define(values, "value");
};
})();
// webpack/runtime/has_own_property
(() => {
__webpack_require__.o = (obj, prop) => (Object.prototype.hasOwnProperty.call(obj, prop))
})();
// webpack/runtime/make_namespace_object
(() => {
// define __esModule on exports
__webpack_require__.r = (exports) => {
	if(typeof Symbol !== 'undefined' && Symbol.toStringTag) {
		Object.defineProperty(exports, Symbol.toStringTag, { value: 'Module' });
	}
	Object.defineProperty(exports, '__esModule', { value: true });
};
})();
var __webpack_exports__ = {};
// This entry needs to be wrapped in an IIFE because it needs to be isolated against other modules in the chunk.
(() => {
// ESM COMPAT FLAG
__webpack_require__.r(__webpack_exports__);

// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  getAssignmentTag: () => (/* binding */ getAssignmentTag)
});

// EXTERNAL MODULE: external "base/js/namespace"
var namespace_ = __webpack_require__(637);
var namespace_default = /*#__PURE__*/__webpack_require__.n(namespace_);
;// CONCATENATED MODULE: ./lib/core/events.js
/** Captured events in the form that the Jupyter server accepts. */
/** The server's own limit, applied here so that a huge message never crosses the network. */
const MOST_ERROR_VALUE = 2000;
/** Longer source would exceed the limit of a request: its execution is sent without it. */
const MOST_SOURCE = 1_000_000;
/** Make an event that happened now, or `at` (milliseconds since 1970). */
function makeEvent(verb, object, result, sessionId, context, at = Date.now()) {
    const event = {
        id: uuid(),
        verb,
        timestamp: new Date(at).toISOString(),
        session_id: sessionId,
        object: withoutHugeSource(object),
        context
    };
    if (result) {
        event.result = { ...result };
        if (result.error_value !== undefined) {
            event.result.error_value = result.error_value.slice(0, MOST_ERROR_VALUE);
        }
    }
    return event;
}
function withoutHugeSource(object) {
    if (object.type !== 'cell' || object.source === undefined || object.source.length <= MOST_SOURCE) {
        return object;
    }
    const { source: _huge, ...rest } = object;
    return rest;
}
/** A random UUID. `crypto.randomUUID` exists on https and localhost only, and some hubs use plain http. */
function uuid() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
/** The number of code points in a text: a surrogate pair counts as one. */
function characters(text) {
    let pairs = 0;
    for (let index = 0; index < text.length; index++) {
        const code = text.charCodeAt(index);
        if (code >= 0xdc00 && code <= 0xdfff) {
            pairs++;
        }
    }
    return text.length - pairs;
}

;// CONCATENATED MODULE: ./lib/core/tags.js
const PREFIX = 'assignment:';
/** Of a check cell's tag, which names the assignment that it checks. */
const CHECK_PREFIX = 'check:';
const KEBAB = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
/** Read a cell's `metadata.tags`, of whatever type; entries that are not strings are ignored. */
function readTags(tags) {
    const written = Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [];
    const work = written.find(tag => tag.startsWith(PREFIX) && tag.length > PREFIX.length);
    const check = written.find(tag => tag.startsWith(CHECK_PREFIX) && tag.length > CHECK_PREFIX.length);
    const checked = check === undefined ? null : PREFIX + check.slice(CHECK_PREFIX.length);
    return {
        assignment: work ?? checked,
        check: work === undefined && checked !== null,
        tags: written,
        malformed: [PREFIX, CHECK_PREFIX].flatMap(prefix => written.filter(tag => tag.startsWith(prefix) && !KEBAB.test(tag.slice(prefix.length))))
    };
}
const warned = new Set();
/** Warn the author of malformed tags in the browser's console, once per tag. */
function warnMalformed(malformed, notebook) {
    for (const tag of malformed) {
        if (!warned.has(tag)) {
            warned.add(tag);
            console.warn(`Learntrace: the tag "${tag}" in ${notebook} should be "${PREFIX}" (or "${CHECK_PREFIX}") and then lower-case ` +
                'letters and digits in words joined by single hyphens, as in "assignment:lesson-03-exercise-1".');
        }
    }
}
/** Make the object of a cell's event; `source` goes with `executed` only. */
function cellObject(id, notebook, tags, source) {
    const read = readTags(tags);
    warnMalformed(read.malformed, notebook);
    const object = { type: 'cell', id, notebook, tags: read.tags };
    if (read.assignment !== null) {
        object.assignment = read.assignment;
    }
    if (read.check) {
        object.part = 'check';
    }
    if (source !== undefined) {
        object.source = source;
    }
    return object;
}

;// CONCATENATED MODULE: ./lib/classic/cells.js
/** Describes cells and the notebook for events. */



/** Notebook before 6.5 gives cells no id. These last for the session and stay with a cell that is moved. */
const sessionIds = new WeakMap();
/** The notebook of this page; there is one from the moment its first signal is fired. */
function cells_notebook() {
    if (!(namespace_default()).notebook) {
        throw new Error('This page shows no notebook.');
    }
    return (namespace_default()).notebook;
}
/** Read at the moment of the event: a notebook may be renamed while it is open. */
function notebookOf() {
    return { type: 'notebook', notebook: cells_notebook().notebook_path };
}
/** The cell with its tags as they are now. */
function cells_cellOf(cell, withSource = false) {
    const source = withSource ? cell.get_text() : undefined;
    return cellObject(cell.id || cells_sessionId(cell), cells_notebook().notebook_path, cell.metadata?.tags, source);
}
function cells_sessionId(cell) {
    const known = sessionIds.get(cell) ?? uuid();
    sessionIds.set(cell, known);
    return known;
}

;// CONCATENATED MODULE: ./lib/classic/clipboard.js
/** Records pastes into code cells: the number of characters, never the text. */


class ClipboardTracker {
    constructor(recorder) {
        this.recorder = recorder;
        /** Whole cells that are pasted in command mode go to no editor: they are added. */
        this.pasted = (event) => {
            const editor = event.target instanceof Element ? event.target.closest('.CodeMirror') : null;
            const cell = editor &&
                cells_notebook()
                    .get_cells()
                    .find(candidate => candidate.element[0].contains(editor));
            const text = event.clipboardData?.getData('text') ?? '';
            if (cell?.cell_type === 'code' && text !== '') {
                this.recorder.record('pasted', cells_cellOf(cell), { characters: characters(text) });
            }
        };
    }
    connect() {
        document.addEventListener('paste', this.pasted, true);
    }
    disconnect() {
        document.removeEventListener('paste', this.pasted, true);
    }
}

// EXTERNAL MODULE: external "base/js/events"
var events_ = __webpack_require__(67);
var events_default = /*#__PURE__*/__webpack_require__.n(events_);
;// CONCATENATED MODULE: ./lib/classic/signals.js
/** Subscriptions to the page's signals. */

class signals_Signals {
    constructor(handlers) {
        this.handlers = handlers;
        this.listening = false;
    }
    get connected() {
        return this.listening;
    }
    /** Returns whether that changed anything. */
    connect() {
        const changes = !this.listening;
        if (changes) {
            this.listening = true;
            Object.entries(this.handlers).forEach(([names, handler]) => events_default().on(names, handler));
        }
        return changes;
    }
    /** Returns whether that changed anything. */
    disconnect() {
        const changes = this.listening;
        if (changes) {
            this.listening = false;
            Object.entries(this.handlers).forEach(([names, handler]) => events_default().off(names, handler));
        }
        return changes;
    }
}

;// CONCATENATED MODULE: ./lib/classic/document.js


class DocumentTracker {
    /** `opened`: whether that has been recorded already. */
    constructor(recorder, opened = false) {
        this.recorder = recorder;
        this.opened = opened;
        this.signals = new signals_Signals({
            'notebook_saved.Notebook': () => this.recorder.record('saved', notebookOf())
        });
    }
    /** Whether the notebook is recorded as open. */
    get isOpen() {
        return this.opened;
    }
    connect() {
        if (this.signals.connect() && !this.opened) {
            this.opened = true;
            this.recorder.record('opened', notebookOf());
        }
    }
    disconnect() {
        if (this.signals.disconnect()) {
            this.opened = false;
        }
    }
    /** The page is going away. */
    close() {
        if (this.opened) {
            this.recorder.record('closed', notebookOf());
        }
        this.disconnect();
    }
}
/** Classic keeps a cell that is moved, and replaces one whose type changes. */
class CellsTracker {
    constructor(recorder) {
        this.recorder = recorder;
        this.known = new Set();
        this.loading = false;
        this.comparing = false;
        this.signals = new Signals({
            'create.Cell delete.Cell': () => this.changed(),
            // Reverting to a checkpoint creates all cells anew.
            'notebook_loading.Notebook': () => {
                this.loading = true;
            },
            'notebook_loaded.Notebook': () => {
                this.loading = false;
                this.known = codeCells();
            }
        });
    }
    connect() {
        if (this.signals.connect()) {
            this.known = codeCells();
        }
    }
    disconnect() {
        this.signals.disconnect();
    }
    /** Compare later, as a cell gets its content, tags and id right after its creation. */
    changed() {
        if (!this.comparing) {
            this.comparing = true;
            queueMicrotask(() => this.compare());
        }
    }
    compare() {
        this.comparing = false;
        if (this.loading || !this.signals.connected) {
            return;
        }
        const before = this.known;
        this.known = codeCells();
        before.forEach(cell => this.known.has(cell) || this.recorder.record('removed', cellOf(cell)));
        this.known.forEach(cell => before.has(cell) || this.recorder.record('added', cellOf(cell)));
    }
}
function codeCells() {
    return new Set(notebook()
        .get_cells()
        .filter(cell => cell.cell_type === 'code'));
}

;// CONCATENATED MODULE: ./lib/core/duration.js
/**
 * Milliseconds between two messages by the dates that their kernel gave them; null where these don't tell.
 *
 * The kernel's clock has none of the page's delays: messages wait while the page is busy, so that two that were sent far
 * apart may arrive together.
 */
function between(began, ended) {
    const milliseconds = Date.parse(ended ?? '') - Date.parse(began ?? '');
    // Negative if the clock was set back meanwhile.
    return milliseconds >= 0 ? Math.round(milliseconds) : null;
}

;// CONCATENATED MODULE: ./lib/classic/run.js
/** One execution of a cell and its result. Times are performance.now() of the page, which is never set back. */

/** A reply is ok, error or aborted (queued behind an error); no reply means that the kernel is gone. */
function resultOf(run, now, lastEnd) {
    const { reply } = run;
    const seen = Math.max(0, Math.round((run.ended ?? now) - startOf(run, lastEnd)));
    const duration_ms = ran(run) ? (between(run.startedDate, run.endedDate) ?? seen) : 0;
    const count = reply?.execution_count;
    const counted = typeof count === 'number' ? { execution_count: count } : {};
    const error = errorOf(run);
    if (error) {
        const { ename, evalue } = error;
        return { outcome: 'error', error_name: ename ?? '', error_value: evalue ?? '', duration_ms, ...counted };
    }
    return { outcome: reply?.status === 'ok' ? 'ok' : 'aborted', duration_ms, ...counted };
}
/**
 * When the run began. Without `busy` (the page drops the callbacks of a cell that is requested twice), that is the end of
 * the previous run; for a run that never began, the time of the request.
 */
function startOf(run, lastEnd) {
    return run.started ?? Math.max(run.asked, ran(run) ? lastEnd : 0);
}
/** Kernels say busy also for what they only abort. */
function ran({ started, reply }) {
    return reply === undefined ? started !== undefined : reply.status !== 'aborted';
}
/** A traceback among the outputs is an error to the learner, even where the kernel replies ok. */
function errorOf({ id, cell, reply }) {
    if (reply?.status === 'error') {
        return reply;
    }
    // Outputs belong to the newest message of their cell.
    const outputs = reply?.status === 'ok' && cell.last_msg_id === id ? cell.output_area.outputs : [];
    return outputs.find(output => output.output_type === 'error');
}

;// CONCATENATED MODULE: ./lib/classic/execution.js



const NOT_FOUND = 404;
/**
 * Runs are keyed by their message, as a cell that is run again before it ended has two. The kernel executes them in the
 * order of the requests, which is the order of the map.
 */
class ExecutionTracker {
    constructor(recorder) {
        this.recorder = recorder;
        this.runs = new Map();
        this.lastEnd = 0;
        this.beginnings = new signals_Signals({
            'execute.CodeCell': (_, { cell }) => this.sent(cell)
        });
        this.endings = new signals_Signals({
            'shell_reply.Kernel': (_, { reply }) => this.replied(reply),
            'finished_iopub.Kernel': (_, { msg_id }) => this.idle(msg_id),
            'kernel_restarting.Kernel': () => this.restarting(),
            'kernel_autorestarting.Kernel': (_, { kernel }) => kernel.kernel_info(this.answered),
            'kernel_ready.Kernel': () => this.answered(),
            'kernel_connection_failed.Kernel': (_, { kernel }) => this.unreachable(kernel),
            'kernel_dead.Kernel kernel_connection_dead.Kernel': () => this.lose(),
            'kernel_killed.Kernel kernel_killed.Session': () => this.lose()
        });
        /** A new kernel has answered, so it has the queue no more. The page may miss the kernel's start and not ask it. */
        this.answered = () => this.lose(run => run.orphaned);
    }
    connect() {
        this.beginnings.connect();
        this.endings.connect();
    }
    disconnect() {
        this.retire();
        this.endings.disconnect();
        this.runs.clear();
    }
    /** Begin no more runs; those that have begun are recorded when they end. */
    retire() {
        this.beginnings.disconnect();
    }
    /** The page is going away: nobody will see how the running cells end. */
    close() {
        this.lose();
        this.disconnect();
    }
    sent(cell) {
        const id = cell.last_msg_id;
        if (id === null) {
            return;
        }
        const object = cells_cellOf(cell, true);
        const run = { id, cell, object, asked: performance.now(), idle: false, orphaned: false };
        this.runs.set(id, run);
        // These callbacks are for this message alone. A queued cell begins when its `busy` arrives.
        const iopub = cell.kernel.get_callbacks_for_msg(id)?.iopub;
        if (iopub) {
            iopub.status = ({ content, header }) => {
                if (content.execution_state === 'busy') {
                    run.started = performance.now();
                    run.startedDate = header.date;
                }
            };
        }
    }
    replied(reply) {
        const run = this.runs.get(reply.parent_header.msg_id ?? '');
        if (run) {
            run.ended = performance.now();
            run.endedDate = reply.header.date;
            run.reply = reply.content;
            this.finish(run);
        }
    }
    idle(id) {
        const run = this.runs.get(id);
        if (run) {
            run.idle = true;
            this.finish(run);
        }
    }
    /** The reply and the last output come in either order. */
    finish(run) {
        if (run.reply && run.idle) {
            this.end(run);
        }
    }
    end(run) {
        const now = performance.now();
        const began = Date.now() - (now - startOf(run, this.lastEnd));
        this.runs.delete(run.id);
        this.recorder.record('executed', run.object, resultOf(run, now, this.lastEnd), began);
        this.lastEnd = Math.max(this.lastEnd, run.ended ?? now);
    }
    /** End runs that will get no reply any more. */
    lose(which = () => true) {
        [...this.runs.values()].filter(which).forEach(run => this.end(run));
    }
    /**
     * The running cell is lost. Queued ones may still run: a kernel that died leaves its queue to the next one (seen with
     * ipykernel 6), which answers later requests after them. The first in the queue may have run, if the kernel died
     * before it sent `busy`.
     */
    restarting() {
        const [first] = this.runs.values();
        this.lose(run => run.started !== undefined);
        if (first && first.started === undefined) {
            first.started = Math.max(first.asked, this.lastEnd);
            first.ended = performance.now();
        }
        this.runs.forEach(run => {
            run.orphaned = true;
        });
    }
    /** After a restart of the Jupyter server the kernel is gone, which the page notices only after two minutes. */
    unreachable(kernel) {
        if (this.runs.size > 0) {
            kernel.get_info(null, ({ status }) => {
                if (status === NOT_FOUND) {
                    this.lose();
                }
            });
        }
    }
}

;// CONCATENATED MODULE: ./lib/classic/kernel.js


/** The error name of a restart after the kernel's death; a restart by the learner has none. */
const DIED = 'KernelDied';
class KernelTracker {
    constructor(recorder) {
        this.recorder = recorder;
        this.died = false;
        this.signals = new signals_Signals({
            'kernel_interrupting.Kernel': () => this.recorder.record('interrupted', notebookOf()),
            'kernel_restarting.Kernel': () => this.restarting(),
            'kernel_autorestarting.Kernel': () => {
                this.died = true;
            }
        });
    }
    connect() {
        this.signals.connect();
    }
    disconnect() {
        this.signals.disconnect();
    }
    /** For a death, the page signals a restart first, and the death within the same turn. */
    restarting() {
        this.died = false;
        queueMicrotask(() => this.recorder.record('restarted', notebookOf(), this.died ? { error_name: DIED } : undefined));
    }
}

;// CONCATENATED MODULE: ./lib/classic/page.js
/** The page that Classic Notebook shows a notebook in. */


const LOADED = 'notebook_loaded.Notebook';
/** What every event of this page says about it. */
function contextOf() {
    const { kernel, metadata } = (namespace_default()).notebook ?? {};
    return {
        frontend: 'classic',
        // Jupyter.version is nbclassic's, which draws the page of Notebook 6.5.
        version: window.sys_info?.notebook_version ?? (namespace_default()).version,
        kernel: kernel?.name ?? metadata?.kernelspec?.name
    };
}
/** Call `callback` once, when the notebook is loaded or now if it is. Returns a function that cancels the call. */
function whenLoaded(callback) {
    let waiting = true;
    const cancel = () => {
        waiting = false;
        events_default().off(LOADED, loaded);
    };
    // jQuery still calls a handler that another handler of the same signal has removed.
    const loaded = () => {
        if (waiting) {
            cancel();
            callback();
        }
    };
    if ((namespace_default()).notebook?._fully_loaded) {
        loaded();
    }
    else {
        events_default().on(LOADED, loaded);
    }
    return cancel;
}

;// CONCATENATED MODULE: ./lib/classic/server.js
/** With its slashes: `/`, or `/user/ada/` under a hub. */
function server_baseUrl() {
    return decodeURIComponent(document.body.dataset.baseUrl ?? '/');
}
/** Send a request like the page's own: with its login cookie and its XSRF token. */
const server_request = (path, init) => {
    const headers = new Headers(init.headers);
    const xsrf = /\b_xsrf=([^;]*)\b/.exec(document.cookie);
    if (xsrf) {
        headers.set('X-XSRFToken', xsrf[1]);
    }
    return fetch(server_baseUrl() + path, { ...init, headers, credentials: 'same-origin' });
};

;// CONCATENATED MODULE: ./lib/core/endpoint.js
/** The Jupyter server answered with an error. `status` is HTTP's. */
class Refused extends Error {
    constructor(status, message) {
        super(message);
        this.status = status;
        this.name = 'Refused';
    }
    /** Whether sending the same again can't help. */
    get final() {
        return this.status === 400 || this.status === 413;
    }
}
function troubleOf(reason) {
    return reason instanceof Refused ? 'jupyter-refuses' : 'jupyter-away';
}
/** Every method rejects with Refused, or with the network's own error where there was no answer. */
class Endpoint {
    constructor(request, language) {
        this.request = request;
        this.language = language;
    }
    /** Send events; `leaving` lets the request outlive the page. */
    post(events, leaving = false) {
        return this.ask('learntrace/events', 'POST', { events }, leaving);
    }
    state() {
        return this.ask('learntrace/state', 'GET');
    }
    /** Set whether the learner's events may be collected. */
    consent(collecting) {
        return this.ask('learntrace/consent', 'PUT', { collecting });
    }
    async ask(path, method, body, keepalive = false) {
        const headers = { 'Accept-Language': this.language() };
        const init = { method, headers, keepalive };
        if (body !== undefined) {
            headers['Content-Type'] = 'application/json';
            init.body = JSON.stringify(body);
        }
        const response = await this.request(path, init);
        if (!response.ok) {
            throw new Refused(response.status, await endpoint_reason(response));
        }
        return (await response.json());
    }
}
async function endpoint_reason(response) {
    try {
        const body = (await response.json());
        return String(body.detail ?? body.message ?? response.statusText);
    }
    catch {
        return response.statusText;
    }
}

;// CONCATENATED MODULE: ./lib/core/focus.js
class FocusTracker {
    /** `isCurrent`: whether the window shows this notebook; `focused`: the state that was recorded last. */
    constructor(recorder, notebook, isCurrent = () => true, focused = false) {
        this.recorder = recorder;
        this.notebook = notebook;
        this.isCurrent = isCurrent;
        this.focused = focused;
        this.connected = false;
        /** Several signals may come for one change. */
        this.look = () => {
            this.turn(document.visibilityState === 'visible' && document.hasFocus() && this.isCurrent());
        };
    }
    /** Whether the last recorded change was to have the focus. */
    get hasFocus() {
        return this.focused;
    }
    connect() {
        if (!this.connected) {
            this.connected = true;
            window.addEventListener('focus', this.look);
            window.addEventListener('blur', this.look);
            document.addEventListener('visibilitychange', this.look);
            this.look();
        }
    }
    disconnect() {
        if (this.connected) {
            this.connected = false;
            this.focused = false;
            window.removeEventListener('focus', this.look);
            window.removeEventListener('blur', this.look);
            document.removeEventListener('visibilitychange', this.look);
        }
    }
    /** The notebook was closed, or its page is going away. */
    close() {
        if (this.connected) {
            this.turn(false);
        }
        this.disconnect();
    }
    turn(focused) {
        if (focused !== this.focused) {
            this.focused = focused;
            this.recorder.record(focused ? 'focused' : 'blurred', this.notebook());
        }
    }
}

;// CONCATENATED MODULE: ./lib/core/eventStorage.js
/**
 * Stores events in localStorage until the Jupyter server has taken them, so that they outlive the page.
 *
 * Each event has a key of its own, so storing one costs the same however many wait. A key contains the base URL, because
 * the users of a hub share an origin, and the page's id, because tabs share the storage: a tab sends its own events and
 * adopts those of pages that are gone. A page writes a heartbeat and removes it when it goes away. If two tabs adopt the
 * same events at once, both send them, and the server counts them once.
 */

/** A page without a heartbeat for so long is gone. Browsers run the timers of a hidden page once a minute. */
const GONE_MS = 180_000;
class EventStorage {
    constructor(baseUrl, storage) {
        this.storage = storage;
        this.page = uuid();
        this.keys = new Map();
        this.nextNumber = 0;
        this.warnedFull = false;
        this.prefix = `learntrace|${encodeURIComponent(baseUrl)}|`;
    }
    put(event) {
        const key = `${this.prefix}${this.page}|${String(this.nextNumber++).padStart(9, '0')}`;
        try {
            this.storage?.setItem(key, JSON.stringify(event));
            this.keys.set(event.id, key);
        }
        catch (reason) {
            if (!this.warnedFull) {
                this.warnedFull = true;
                console.warn('Learntrace: the browser keeps no more events for later; they stay in this page.', reason);
            }
        }
    }
    remove(id) {
        const key = this.keys.get(id);
        if (key !== undefined) {
            this.keys.delete(id);
            this.storage?.removeItem(key);
        }
    }
    beat() {
        try {
            this.storage?.setItem(this.beatKey(this.page), String(Date.now()));
        }
        catch {
            // The storage is full: at worst, another tab sends these events as well.
        }
    }
    leave() {
        this.storage?.removeItem(this.beatKey(this.page));
    }
    /** Take over the events of pages that are gone, and return them, oldest first. */
    adopt() {
        const adopted = [];
        for (const [page, keys] of this.otherPages()) {
            const beat = Number(this.storage?.getItem(this.beatKey(page)) ?? 0);
            if (Date.now() - beat < GONE_MS) {
                continue;
            }
            for (const key of keys.sort()) {
                const event = parseEvent(this.storage?.getItem(key));
                // Store our copy before removing the other one, so that the event is never missing.
                if (event) {
                    this.put(event);
                    adopted.push(event);
                }
                this.storage?.removeItem(key);
            }
            this.storage?.removeItem(this.beatKey(page));
        }
        return adopted;
    }
    /** The keys of the events of other pages, by page. */
    otherPages() {
        const pages = new Map();
        for (let index = 0; index < (this.storage?.length ?? 0); index++) {
            const key = this.storage?.key(index) ?? '';
            const [page, rest] = key.startsWith(this.prefix) ? key.slice(this.prefix.length).split('|') : ['', ''];
            if (page && page !== this.page) {
                const keys = pages.get(page) ?? [];
                pages.set(page, rest === 'beat' ? keys : [...keys, key]);
            }
        }
        return pages;
    }
    beatKey(page) {
        return `${this.prefix}${page}|beat`;
    }
}
/** The browser's storage; null where the browser forbids it. */
function browserStorage() {
    try {
        return window.localStorage;
    }
    catch {
        return null;
    }
}
function parseEvent(text) {
    try {
        const event = JSON.parse(text ?? '');
        return typeof event.id === 'string' ? event : null;
    }
    catch {
        return null;
    }
}

;// CONCATENATED MODULE: ./lib/core/outbox.js
/** Sends events to the Jupyter server in batches, and keeps each one until the server has answered for it. */


/** The limits of one request: the endpoint's, with room for what JSON and UTF-8 add. */
const MOST_EVENTS = 200;
const MOST_CHARACTERS = 1_200_000;
/** Browsers limit requests that outlive their page to 64 KiB. */
const MOST_LEAVING_BYTES = 60_000;
/** How many are kept while the Jupyter server is away. */
const MOST_WAITING = 1_000;
/** Long enough to send the events of one action together, too short to be noticed. */
const GATHER_MS = 100;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;
const BEAT_MS = 30_000;
class Outbox {
    constructor(transport, baseUrl, storage = browserStorage()) {
        this.transport = transport;
        /** Called after events were added or settled. */
        this.onChange = () => undefined;
        /** Called when the server can't take events now. */
        this.onFailure = () => undefined;
        /** Called with each answer. */
        this.onAnswer = () => undefined;
        this.waiting = [];
        this.latest = null;
        this.batchLimit = MOST_EVENTS;
        this.retryMs = 0;
        this.overflowed = false;
        this.flushing = null;
        this.timer = null;
        this.beating = null;
        this.beat = () => {
            this.storage.beat();
            this.adopt();
        };
        this.retryNow = () => {
            if (this.waiting.length > 0) {
                void this.flush();
            }
        };
        this.storage = new EventStorage(baseUrl, storage);
    }
    /** How many the Jupyter server hasn't taken. */
    get size() {
        return this.waiting.length;
    }
    /** Whether the last attempt failed. */
    get failing() {
        return this.retryMs > 0;
    }
    /** The newest that was added in this page. */
    get last() {
        return this.latest;
    }
    add(event) {
        this.latest = event;
        this.waiting.push(event);
        this.storage.put(event);
        this.trim();
        this.schedule(this.retryMs || GATHER_MS);
        this.onChange();
    }
    /** Adopt what earlier pages left, and begin to send. */
    start() {
        this.storage.beat();
        this.adopt();
        this.beating = window.setInterval(this.beat, BEAT_MS);
        window.addEventListener('pageshow', this.beat);
        window.addEventListener('online', this.retryNow);
    }
    /** Stop sending; what waits stays for the next page. */
    stop() {
        window.removeEventListener('pageshow', this.beat);
        window.removeEventListener('online', this.retryNow);
        window.clearInterval(this.beating ?? undefined);
        this.unschedule();
        this.storage.leave();
    }
    /** The page is going away: send what fits into one request, and leave the others to the next page. */
    leave() {
        this.storage.leave();
        if (this.waiting.length > 0) {
            const batch = lastOf(this.waiting);
            // The answer arrives if the page was only put aside.
            this.transport(batch, true).then(answer => this.take(batch, answer), () => undefined);
        }
    }
    /** Send all waiting events until the server fails. Runs once at a time. */
    flush() {
        this.unschedule();
        this.flushing ??= this.sendAll().finally(() => {
            this.flushing = null;
        });
        return this.flushing;
    }
    async sendAll() {
        while (this.waiting.length > 0) {
            const batch = batchOf(this.waiting, this.batchLimit, MOST_CHARACTERS);
            try {
                this.take(batch, await this.transport(batch, false));
            }
            catch (reason) {
                if (!this.split(batch, reason)) {
                    this.retryMs = Math.min(Math.max(this.retryMs * 2, FIRST_RETRY_MS), LAST_RETRY_MS);
                    // Jitter, so that not all tabs retry at the same moment when the server is back.
                    this.schedule(this.retryMs * (0.75 + Math.random() / 2));
                    this.onFailure();
                    return;
                }
            }
        }
    }
    /** Settle a batch that the server has answered for: stored, rejected for good, or discarded because it is off. */
    take(batch, answer) {
        for (const { id, code, detail } of answer.rejected) {
            console.warn(`Learntrace: event ${id} was refused: ${detail} (${code})`);
        }
        this.retryMs = 0;
        this.batchLimit = MOST_EVENTS;
        this.overflowed = false;
        this.forget(batch);
        this.onAnswer(answer);
        this.onChange();
    }
    /** Halve a batch that the server can't read, until the event to blame is alone. Returns false for other failures. */
    split(batch, reason) {
        if (!(reason instanceof Refused && reason.final)) {
            return false;
        }
        if (batch.length > 1) {
            this.batchLimit = Math.ceil(batch.length / 2);
        }
        else {
            console.warn(`Learntrace: event ${batch[0].id} can't be sent: ${reason.message}`);
            this.forget(batch);
            this.batchLimit = MOST_EVENTS;
        }
        return true;
    }
    forget(batch) {
        const ids = new Set(batch.map(event => event.id));
        this.waiting = this.waiting.filter(event => !ids.has(event.id));
        ids.forEach(id => this.storage.remove(id));
    }
    trim() {
        const excess = this.waiting.length - MOST_WAITING;
        if (excess > 0) {
            if (!this.overflowed) {
                this.overflowed = true;
                console.warn(`Learntrace: the Jupyter server hasn't taken events for so long that only the newest ${MOST_WAITING} are kept.`);
            }
            this.forget(this.waiting.slice(0, excess));
        }
    }
    adopt() {
        const adopted = this.storage.adopt();
        if (adopted.length > 0) {
            this.waiting = [...adopted, ...this.waiting];
            this.trim();
            this.schedule(GATHER_MS);
            this.onChange();
        }
    }
    schedule(ms) {
        this.timer ??= window.setTimeout(() => void this.flush(), ms);
    }
    unschedule() {
        window.clearTimeout(this.timer ?? undefined);
        this.timer = null;
    }
}
/** The first events that fit into one request, at least one. */
function batchOf(events, most, mostCharacters) {
    const batch = [];
    let length = 0;
    for (const event of events.slice(0, most)) {
        length += JSON.stringify(event).length;
        if (batch.length > 0 && length > mostCharacters) {
            break;
        }
        batch.push(event);
    }
    return batch;
}
/** The newest events that fit into a request that outlives its page. The others wait in the storage. */
function lastOf(events) {
    const encoder = new TextEncoder();
    const batch = [];
    let bytes = 0;
    for (const event of events.slice(-MOST_EVENTS).reverse()) {
        bytes += encoder.encode(JSON.stringify(event)).length + 1;
        if (bytes > MOST_LEAVING_BYTES) {
            break;
        }
        batch.unshift(event);
    }
    return batch;
}

;// CONCATENATED MODULE: ./lib/core/recorder.js
/** Recorders, which take what happened, and trackers, which watch for it. */

/** Close the trackers, or disconnect those that have nothing to close, in the reverse order of their connecting. */
function closeAll(trackers) {
    for (const tracker of [...trackers].reverse()) {
        if (tracker.close) {
            tracker.close();
        }
        else {
            tracker.disconnect();
        }
    }
}
/** Records for one open notebook: its events share a session. */
class SessionRecorder {
    constructor(add, context, sessionId = uuid()) {
        this.add = add;
        this.context = context;
        this.sessionId = sessionId;
    }
    record(verb, object, result, at) {
        this.add(makeEvent(verb, object, result, this.sessionId, this.context(), at));
    }
}

;// CONCATENATED MODULE: ./lib/custom/main.js
/**
 * Learntrace for Classic Notebook 6 without the nbextension: the page's `custom/custom.js`, built into one file.
 *
 * It sends what the learner does to the page's own Jupyter server, as the nbextension does, but shows no indicator and
 * records no added and removed cells. Where the nbextension is loaded too, that takes over.
 */













/** The assignment tag of a cell as written ("assignment:lesson-03-exercise-1"); null without one. */
function getAssignmentTag(cell) {
    const { assignment, malformed } = readTags(cell.metadata?.tags);
    warnMalformed(malformed, (namespace_default()).notebook?.notebook_path ?? 'this page');
    return assignment;
}
/** Record this page's notebook into `outbox` until the page goes away or the nbextension takes over. */
function capture(outbox) {
    const recorder = new SessionRecorder(event => outbox.add(event), contextOf);
    const opening = new DocumentTracker(recorder);
    const focus = new FocusTracker(recorder, notebookOf);
    const execution = new ExecutionTracker(recorder);
    const others = [new ClipboardTracker(recorder), new KernelTracker(recorder)];
    const trackers = [opening, focus, execution, ...others];
    const connect = () => trackers.forEach(tracker => tracker.connect());
    // A page that the browser had only put aside.
    const resume = ({ persisted }) => {
        if (persisted) {
            connect();
        }
    };
    const cancel = whenLoaded(connect);
    window.addEventListener('pageshow', resume);
    window.addEventListener('pagehide', () => closeAll(trackers));
    const release = () => {
        const released = { session: recorder.sessionId, opened: opening.isOpen, focused: focus.hasFocus };
        cancel();
        window.removeEventListener('pageshow', resume);
        [opening, focus, ...others].forEach(tracker => tracker.disconnect());
        execution.retire();
        return released;
    };
    return { by: 'custom.js', release };
}
function start() {
    const endpoint = new Endpoint(server_request, () => navigator.language);
    const outbox = new Outbox((events, leaving) => endpoint.post(events, leaving), server_baseUrl());
    // Jupyter loads the file into the dashboard and the text editor as well, and may load the nbextension first.
    if (document.body.classList.contains('notebook_app') && !(namespace_default()).learntrace) {
        (namespace_default()).learntrace = capture(outbox);
    }
    // Behind the listener that closes the trackers: a page that goes away calls them in this order.
    window.addEventListener('pagehide', () => outbox.leave());
    outbox.start();
}
window.getAssignmentTag = getAssignmentTag;
start();

})();

return __webpack_exports__;
})()

});