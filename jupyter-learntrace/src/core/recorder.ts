/** What trackers write to. */
import { makeEvent, uuid, type CapturedEvent, type Context, type EventObject, type Result, type Verb } from './events';

export interface Recorder {
  /** Note that something happened, now or `at` (milliseconds since 1970). Returns at once. */
  record(verb: Verb, object: EventObject, result?: Result, at?: number): void;
}

/** One concern of one open notebook. Connecting or disconnecting twice changes nothing. */
export interface Tracker {
  connect(): void;
  disconnect(): void;
  /** The notebook was closed or its page is going away: tell what that ends, and disconnect. */
  close?(): void;
}

/** Records for one open notebook: its events share a session. */
export class SessionRecorder implements Recorder {
  readonly sessionId = uuid();

  constructor(
    private readonly add: (event: CapturedEvent) => void,
    private readonly context: () => Context
  ) {}

  record(verb: Verb, object: EventObject, result?: Result, at?: number): void {
    this.add(makeEvent(verb, object, result, this.sessionId, this.context(), at));
  }
}
