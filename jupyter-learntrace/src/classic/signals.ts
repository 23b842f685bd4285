/** Subscriptions to the page's signals. */
import events from 'base/js/events';

/** Handlers by the names of their signals, such as `kernel_ready.Kernel`; several are separated by blanks. */
export type Handlers = Record<string, (event: unknown, payload: never) => void>;

export class Signals {
  private listening = false;

  constructor(private readonly handlers: Handlers) {}

  get connected(): boolean {
    return this.listening;
  }

  /** Returns whether that changed anything. */
  connect(): boolean {
    const changes = !this.listening;
    if (changes) {
      this.listening = true;
      Object.entries(this.handlers).forEach(([names, handler]) => events.on(names, handler));
    }
    return changes;
  }

  /** Returns whether that changed anything. */
  disconnect(): boolean {
    const changes = this.listening;
    if (changes) {
      this.listening = false;
      Object.entries(this.handlers).forEach(([names, handler]) => events.off(names, handler));
    }
    return changes;
  }
}
