/** Captured events in the form that the Jupyter server accepts. */

export type Verb =
  | 'executed'
  | 'opened'
  | 'closed'
  | 'saved'
  | 'focused'
  | 'blurred'
  | 'added'
  | 'removed'
  | 'pasted'
  | 'restarted'
  | 'interrupted';

export type Outcome = 'ok' | 'error' | 'aborted';

export type Frontend = 'lab' | 'notebook' | 'classic';

/**
 * `notebook` is its path as the Jupyter server names it; `part` is there for a cell that checks its assignment; `source` goes
 * with `executed` only.
 */
export interface CellObject {
  type: 'cell';
  id: string;
  notebook: string;
  assignment?: string;
  part?: 'check';
  tags: string[];
  source?: string;
}

export interface NotebookObject {
  type: 'notebook';
  notebook: string;
}

export type EventObject = CellObject | NotebookObject;

/** Durations are whole milliseconds; `characters` counts what was pasted. */
export interface Result {
  outcome?: Outcome;
  error_name?: string;
  error_value?: string;
  duration_ms?: number;
  execution_count?: number;
  characters?: number;
}

export interface Context {
  frontend: Frontend;
  version: string;
  kernel?: string;
}

export interface CapturedEvent {
  id: string;
  verb: Verb;
  /** When it happened, or for an execution when it began; ISO 8601 in UTC, by this computer's clock. */
  timestamp: string;
  session_id: string;
  object: EventObject;
  result?: Result;
  context: Context;
}

/** The assignment of the cell that an event is about. */
export function assignmentOf(event: CapturedEvent): string | null {
  return 'assignment' in event.object ? (event.object.assignment ?? null) : null;
}

/** The server's own limit, applied here so that a huge message never crosses the network. */
const MOST_ERROR_VALUE = 2000;
/** Longer source would exceed the limit of a request: its execution is sent without it. */
const MOST_SOURCE = 1_000_000;

/** Make an event that happened now, or `at` (milliseconds since 1970). */
export function makeEvent(
  verb: Verb,
  object: EventObject,
  result: Result | undefined,
  sessionId: string,
  context: Context,
  at: number = Date.now()
): CapturedEvent {
  const event: CapturedEvent = {
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

function withoutHugeSource(object: EventObject): EventObject {
  if (object.type !== 'cell' || object.source === undefined || object.source.length <= MOST_SOURCE) {
    return object;
  }
  const { source: _huge, ...rest } = object;
  return rest;
}

/** A random UUID. `crypto.randomUUID` exists on https and localhost only, and some hubs use plain http. */
export function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** The number of code points in a text: a surrogate pair counts as one. */
export function characters(text: string): number {
  let pairs = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code >= 0xdc00 && code <= 0xdfff) {
      pairs++;
    }
  }
  return text.length - pairs;
}
