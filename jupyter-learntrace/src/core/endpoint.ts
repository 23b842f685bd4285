/** Client of the extension's endpoints at the page's own Jupyter server, the only server that the browser talks to. */
import type { CapturedEvent } from './events';

/** The state of delivery to Learntrace, as the Jupyter server reports it. */
export interface State {
  state: 'sending' | 'waiting' | 'off';
  /** "", not-configured, opted-out, server-away, refused, spool-full; or not-installed, which is set here. */
  reason: string;
  /** A sentence in the requested language. */
  detail: string;
  waiting: number;
  sent: number;
  rejected: number;
  last_sent_at: string | null;
  server: string | null;
  actor: string | null;
  academy: string | null;
  may_opt_out: boolean;
  collecting: boolean;
  collects_source: boolean;
}

/** The learner's raised hand at Learntrace. */
export interface Hand {
  state: 'waiting' | 'helping';
  assignment: string | null;
  text: string;
  /** How many wait before the learner; null once somebody helps. */
  before: number | null;
  helper: string | null;
}

/** Whether a hand can be raised here, and the one that is up. */
export interface Help {
  allowed: boolean;
  hand: Hand | null;
}

export interface Rejected {
  index: number;
  id: string | null;
  code: string;
  detail: string;
}

export interface Answer {
  accepted: number;
  rejected: Rejected[];
  state: State;
}

/** Sends a request to the Jupyter server; `path` follows its base URL. The front end adds login and XSRF token. */
export type Request = (path: string, init: RequestInit) => Promise<Response>;

/** The Jupyter server answered with an error. `status` is HTTP's. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string
  ) {
    super(message);
    this.name = 'Refused';
  }

  /** Whether sending the same again can't help. */
  get final(): boolean {
    return this.status === 400 || this.status === 413;
  }
}

/** Why a request failed: no answer at all, or a refusal (signed out, a proxy's error page). */
export type Trouble = 'jupyter-away' | 'jupyter-refuses';

export function troubleOf(reason: unknown): Trouble {
  return reason instanceof Refused ? 'jupyter-refuses' : 'jupyter-away';
}

/** Every method rejects with Refused, or with the network's own error where there was no answer. */
export class Endpoint {
  constructor(
    private readonly request: Request,
    private readonly language: () => string
  ) {}

  /**
   * Send events; `leaving` lets the request outlive the page. The present time by the clock that stamped them tells how
   * wrong that clock is.
   */
  post(events: readonly CapturedEvent[], leaving = false): Promise<Answer> {
    return this.ask<Answer>('learntrace/events', 'POST', { events, sent_at: new Date().toISOString() }, leaving);
  }

  state(): Promise<State> {
    return this.ask<State>('learntrace/state', 'GET');
  }

  /** Set whether the learner's events may be collected. */
  consent(collecting: boolean): Promise<State> {
    return this.ask<State>('learntrace/consent', 'PUT', { collecting });
  }

  help(): Promise<Help> {
    return this.ask<Help>('learntrace/help', 'GET');
  }

  /** Raise the learner's hand; one that is up already stays as it is. */
  raiseHand(text: string, assignment: string | null): Promise<Help> {
    return this.ask<Help>('learntrace/help', 'POST', { text, assignment: assignment ?? '' });
  }

  takeHandBack(): Promise<Help> {
    return this.ask<Help>('learntrace/help', 'DELETE');
  }

  private async ask<T>(path: string, method: string, body?: unknown, keepalive = false): Promise<T> {
    const headers: Record<string, string> = { 'Accept-Language': this.language() };
    const init: RequestInit = { method, headers, keepalive };
    if (body !== undefined) {
      headers['Content-Type'] = 'application/json';
      init.body = JSON.stringify(body);
    }
    const response = await this.request(path, init);
    if (!response.ok) {
      throw new Refused(response.status, await reason(response));
    }
    return (await response.json()) as T;
  }
}

async function reason(response: Response): Promise<string> {
  try {
    const body = (await response.json()) as { detail?: unknown; message?: unknown };
    return String(body.detail ?? body.message ?? response.statusText);
  } catch {
    return response.statusText;
  }
}
