/** Polls the state of delivery, which also says whether events are collected at all. */
import { Refused, troubleOf, type Endpoint, type State, type Trouble } from './endpoint';
import { Presence } from './presence';

export type { State } from './endpoint';

const VISIBLE_MS = 30_000;
/** The first interval after events were sent, and until the first answer. */
const SOON_MS = 2_000;
const NOT_FOUND = 404;

/** The state where the Jupyter server has no such endpoint. */
const NOT_INSTALLED: State = {
  state: 'off',
  reason: 'not-installed',
  detail: '',
  waiting: 0,
  sent: 0,
  rejected: 0,
  last_sent_at: null,
  server: null,
  actor: null,
  academy: null,
  may_opt_out: false,
  collecting: false,
  collects_source: false
};

export class StateWatch {
  /** Called after each answer and each failure. */
  onChange: () => void = () => undefined;

  private known: State | null = null;
  private failure: Trouble | null = null;
  private pace = SOON_MS;
  private timer: number | null = null;
  private running = false;
  /** How often the learner has said yes or no here, begun or answered. */
  private decisions = 0;
  private readonly presence = new Presence(() => void this.refresh());

  constructor(private readonly endpoint: Endpoint) {}

  /** The last answer; null before the first. */
  get current(): State | null {
    return this.known;
  }

  /** Why the last request failed; null if it succeeded. */
  get trouble(): Trouble | null {
    return this.failure;
  }

  /** Nothing is recorded before the first answer, nor while it says off. */
  get collecting(): boolean {
    return this.known !== null && this.known.state !== 'off';
  }

  start(): void {
    this.running = true;
    this.presence.start();
    void this.refresh();
  }

  stop(): void {
    this.running = false;
    this.presence.stop();
    window.clearTimeout(this.timer ?? undefined);
  }

  /** Request the state now. An answer that a decision of the learner overtook may be older than it, and is dropped. */
  async refresh(): Promise<void> {
    const decisions = this.decisions;
    try {
      const state = await this.endpoint.state();
      if (decisions === this.decisions) {
        this.show(state);
      } else {
        this.schedule();
      }
    } catch (reason) {
      if (reason instanceof Refused && reason.status === NOT_FOUND) {
        this.show(NOT_INSTALLED);
      } else {
        this.failure = troubleOf(reason);
        this.schedule();
        this.onChange();
      }
    }
  }

  /** A state that came with another answer: events are on their way, so it will change soon. */
  take(state: State): void {
    this.pace = SOON_MS;
    this.show(state);
  }

  private show(state: State): void {
    this.known = state;
    this.failure = null;
    this.schedule();
    this.onChange();
  }

  /** Set whether the learner's events may be collected; rejects with Refused where that isn't allowed. */
  async consent(collecting: boolean): Promise<void> {
    this.decisions++;
    const state = await this.endpoint.consent(collecting);
    this.decisions++;
    this.take(state);
  }

  private schedule(): void {
    window.clearTimeout(this.timer ?? undefined);
    if (this.running) {
      const settled = this.known !== null && this.known.waiting === 0;
      this.timer = window.setTimeout(this.poll, settled ? VISIBLE_MS : this.pace);
      this.pace = Math.min(this.pace * 2, VISIBLE_MS);
    }
  }

  private readonly poll = (): void => {
    // A page that nobody looks at waits until somebody does; but trackers need a first answer.
    if (this.presence.isThere || this.known === null) {
      void this.refresh();
    }
  };
}
