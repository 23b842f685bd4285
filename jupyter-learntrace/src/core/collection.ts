/** Connects the parts: trackers record while events are collected, the outbox sends, the indicator shows the state. */
import { Endpoint, type Request } from './endpoint';
import { assignmentOf, type CapturedEvent } from './events';
import { HandWatch } from './hand';
import { Indicator } from './indicator';
import { Outbox } from './outbox';
import { closeAll, type Tracker } from './recorder';
import { StateWatch } from './state';
import { language } from './texts';

/** One per page. `baseUrl` is the Jupyter server's, with its slashes: `/user/ada/`. */
export class Collection {
  readonly indicator: Indicator;

  private readonly outbox: Outbox;
  private readonly watch: StateWatch;
  private readonly hand: HandWatch;
  /** The assignment of the last cell that something was done with. */
  private assignment: string | null = null;
  private readonly trackers = new Set<Tracker>();

  constructor(request: Request, baseUrl: string) {
    const endpoint = new Endpoint(request, language);
    this.watch = new StateWatch(endpoint);
    this.outbox = new Outbox((events, leaving) => endpoint.post(events, leaving), baseUrl);
    this.hand = new HandWatch(endpoint, () => this.assignment);
    this.indicator = new Indicator(collecting => this.watch.consent(collecting), this.hand);
    this.watch.onChange = () => this.update();
    this.outbox.onChange = () => this.show();
    // The state says why: the spool is full, the learner is signed out, or the server is gone.
    this.outbox.onFailure = () => void this.watch.refresh();
    this.outbox.onAnswer = answer => this.watch.take(answer.state);
  }

  start(): void {
    window.addEventListener('pagehide', this.leave);
    this.outbox.start();
    this.watch.start();
    this.hand.start();
  }

  stop(): void {
    window.removeEventListener('pagehide', this.leave);
    this.trackers.forEach(tracker => tracker.disconnect());
    this.trackers.clear();
    this.watch.stop();
    this.hand.stop();
    this.outbox.stop();
    this.indicator.dispose();
  }

  /** Add an event, if events are collected. */
  readonly add = (event: CapturedEvent): void => {
    this.assignment = assignmentOf(event) ?? this.assignment;
    if (this.watch.collecting) {
      this.outbox.add(event);
    }
  };

  /**
   * Let trackers record whenever events are collected, until the returned function is called when their notebook is
   * closed. They are connected in this order, and closed in reverse.
   */
  follow(trackers: readonly Tracker[]): () => void {
    for (const tracker of trackers) {
      this.trackers.add(tracker);
      if (this.watch.collecting) {
        tracker.connect();
      }
    }
    return () => {
      trackers.forEach(tracker => this.trackers.delete(tracker));
      closeAll(trackers);
    };
  }

  /** If the page was only put aside, the next state connects the trackers again. */
  private readonly leave = (): void => {
    closeAll(this.trackers);
    this.outbox.leave();
  };

  private update(): void {
    // A failed request says nothing new, and all requests of a page that is going away fail.
    if (this.watch.trouble === null) {
      for (const tracker of this.trackers) {
        if (this.watch.collecting) {
          tracker.connect();
        } else {
          tracker.disconnect();
        }
      }
    }
    this.show();
  }

  private show(): void {
    const { current: state, trouble } = this.watch;
    const { size: held, failing, last } = this.outbox;
    this.indicator.show({ state, trouble, failing, held, last });
  }
}
