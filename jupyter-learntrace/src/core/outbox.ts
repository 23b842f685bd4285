/** Sends events to the Jupyter server in batches, and keeps each one until the server has answered for it. */
import { Refused, type Answer } from './endpoint';
import type { CapturedEvent } from './events';
import { browserStorage, EventStorage } from './eventStorage';

/** Sends a batch; `leaving` when the page goes away. Rejects with Refused, or with the network's error. */
export type Transport = (events: readonly CapturedEvent[], leaving: boolean) => Promise<Answer>;

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

export class Outbox {
  /** Called after events were added or settled. */
  onChange: () => void = () => undefined;
  /** Called when the server can't take events now. */
  onFailure: () => void = () => undefined;
  /** Called with each answer. */
  onAnswer: (answer: Answer) => void = () => undefined;

  private readonly storage: EventStorage;
  private waiting: CapturedEvent[] = [];
  private latest: CapturedEvent | null = null;
  private batchLimit = MOST_EVENTS;
  private retryMs = 0;
  private overflowed = false;
  private flushing: Promise<void> | null = null;
  private timer: number | null = null;
  private beating: number | null = null;

  constructor(
    private readonly transport: Transport,
    baseUrl: string,
    storage: Storage | null = browserStorage()
  ) {
    this.storage = new EventStorage(baseUrl, storage);
  }

  /** How many the Jupyter server hasn't taken. */
  get size(): number {
    return this.waiting.length;
  }

  /** Whether the last attempt failed. */
  get failing(): boolean {
    return this.retryMs > 0;
  }

  /** The newest that was added in this page. */
  get last(): CapturedEvent | null {
    return this.latest;
  }

  add(event: CapturedEvent): void {
    this.latest = event;
    this.waiting.push(event);
    this.storage.put(event);
    this.trim();
    this.schedule(this.retryMs || GATHER_MS);
    this.onChange();
  }

  /** Adopt what earlier pages left, and begin to send. */
  start(): void {
    this.storage.beat();
    this.adopt();
    this.beating = window.setInterval(this.beat, BEAT_MS);
    window.addEventListener('pageshow', this.beat);
    window.addEventListener('online', this.retryNow);
  }

  /** Stop sending; what waits stays for the next page. */
  stop(): void {
    window.removeEventListener('pageshow', this.beat);
    window.removeEventListener('online', this.retryNow);
    window.clearInterval(this.beating ?? undefined);
    this.unschedule();
    this.storage.leave();
  }

  /** The page is going away: send what fits into one request, and leave the others to the next page. */
  leave(): void {
    this.storage.leave();
    if (this.waiting.length > 0) {
      const batch = lastOf(this.waiting);
      // The answer arrives if the page was only put aside.
      this.transport(batch, true).then(
        answer => this.take(batch, answer),
        () => undefined
      );
    }
  }

  /** Send all waiting events until the server fails. Runs once at a time. */
  flush(): Promise<void> {
    this.unschedule();
    this.flushing ??= this.sendAll().finally(() => {
      this.flushing = null;
    });
    return this.flushing;
  }

  private async sendAll(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = batchOf(this.waiting, this.batchLimit, MOST_CHARACTERS);
      try {
        this.take(batch, await this.transport(batch, false));
      } catch (reason) {
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
  private take(batch: readonly CapturedEvent[], answer: Answer): void {
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
  private split(batch: readonly CapturedEvent[], reason: unknown): boolean {
    if (!(reason instanceof Refused && reason.final)) {
      return false;
    }
    if (batch.length > 1) {
      this.batchLimit = Math.ceil(batch.length / 2);
    } else {
      console.warn(`Learntrace: event ${batch[0].id} can't be sent: ${reason.message}`);
      this.forget(batch);
      this.batchLimit = MOST_EVENTS;
    }
    return true;
  }

  private forget(batch: readonly CapturedEvent[]): void {
    const ids = new Set(batch.map(event => event.id));
    this.waiting = this.waiting.filter(event => !ids.has(event.id));
    ids.forEach(id => this.storage.remove(id));
  }

  private trim(): void {
    const excess = this.waiting.length - MOST_WAITING;
    if (excess > 0) {
      if (!this.overflowed) {
        this.overflowed = true;
        console.warn(
          `Learntrace: the Jupyter server hasn't taken events for so long that only the newest ${MOST_WAITING} are kept.`
        );
      }
      this.forget(this.waiting.slice(0, excess));
    }
  }

  private adopt(): void {
    const adopted = this.storage.adopt();
    if (adopted.length > 0) {
      this.waiting = [...adopted, ...this.waiting];
      this.trim();
      this.schedule(GATHER_MS);
      this.onChange();
    }
  }

  private readonly beat = (): void => {
    this.storage.beat();
    this.adopt();
  };

  private readonly retryNow = (): void => {
    if (this.waiting.length > 0) {
      void this.flush();
    }
  };

  private schedule(ms: number): void {
    this.timer ??= window.setTimeout(() => void this.flush(), ms);
  }

  private unschedule(): void {
    window.clearTimeout(this.timer ?? undefined);
    this.timer = null;
  }
}

/** The first events that fit into one request, at least one. */
function batchOf(events: readonly CapturedEvent[], most: number, mostCharacters: number): CapturedEvent[] {
  const batch: CapturedEvent[] = [];
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
function lastOf(events: readonly CapturedEvent[]): CapturedEvent[] {
  const encoder = new TextEncoder();
  const batch: CapturedEvent[] = [];
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
