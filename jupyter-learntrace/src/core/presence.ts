/**
 * Whether somebody is at the page.
 *
 * What a page asks by itself counts as activity at a hub's proxy, whatever the Jupyter server says: a page that is left open
 * would keep the server of a learner who has gone from being stopped. So pages ask nothing while nobody is there.
 */

/** How long after the last sign of somebody. Hubs stop servers after an hour or so. */
const GONE_MS = 600_000;
const SIGNS = ['pointermove', 'pointerdown', 'keydown', 'wheel'];

export class Presence {
  private seen = performance.now();

  /** `onReturn` is called with the first sign after nobody was there. */
  constructor(private readonly onReturn: () => void) {}

  get isThere(): boolean {
    return document.visibilityState === 'visible' && performance.now() - this.seen < GONE_MS;
  }

  start(): void {
    this.seen = performance.now();
    document.addEventListener('visibilitychange', this.look);
    SIGNS.forEach(sign => document.addEventListener(sign, this.note, { capture: true, passive: true }));
  }

  stop(): void {
    document.removeEventListener('visibilitychange', this.look);
    SIGNS.forEach(sign => document.removeEventListener(sign, this.note, { capture: true }));
  }

  private readonly look = (): void => {
    if (document.visibilityState === 'visible') {
      this.seen = performance.now();
      this.onReturn();
    }
  };

  private readonly note = (): void => {
    const wasThere = this.isThere;
    this.seen = performance.now();
    if (!wasThere) {
      this.onReturn();
    }
  };
}
