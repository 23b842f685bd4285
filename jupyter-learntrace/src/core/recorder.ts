/** Recorders, which take what happened, and trackers, which watch for it. */
import { makeEvent, uuid, type CapturedEvent, type Context, type EventObject, type Result, type Verb } from './events';

export interface Recorder {
  /** Record that something happened, now or `at` (milliseconds since 1970). Returns at once. */
  record(verb: Verb, object: EventObject, result?: Result, at?: number): void;
}

/** Watches one aspect of one open notebook. Connecting or disconnecting twice changes nothing. */
export interface Tracker {
  connect(): void;
  disconnect(): void;
  /** The notebook was closed or its page is going away: record what that ends, and disconnect. */
  close?(): void;
}

/** Close the trackers, or disconnect those that have nothing to close, in the reverse order of their connecting. */
export function closeAll(trackers: Iterable<Tracker>): void {
  for (const tracker of [...trackers].reverse()) {
    if (tracker.close) {
      tracker.close();
    } else {
      tracker.disconnect();
    }
  }
}

/** Records for one open notebook: its events share a session. */
export class SessionRecorder implements Recorder {
  constructor(
    private readonly add: (event: CapturedEvent) => void,
    private readonly context: () => Context,
    readonly sessionId: string = uuid()
  ) {}

  record(verb: Verb, object: EventObject, result?: Result, at?: number): void {
    this.add(makeEvent(verb, object, result, this.sessionId, this.context(), at));
  }
}
