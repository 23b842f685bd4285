/** Listening to the page's signals, and ceasing to. */
import events from 'base/js/events';

/** Handlers by the signals that they listen to, as `kernel_ready.Kernel`; several names with blanks between. */
export type Handlers = Record<string, (event: unknown, payload: never) => void>;

export class Signals {
  private listening = false;

  constructor(private readonly handlers: Handlers) {}

  get connected(): boolean {
    return this.listening;
  }

  /** Returns whether that was new. */
  connect(): boolean {
    const changes = !this.listening;
    if (changes) {
      this.listening = true;
      Object.entries(this.handlers).forEach(([names, handler]) => events.on(names, handler));
    }
    return changes;
  }

  /** Returns whether there was something to cease. */
  disconnect(): boolean {
    const changes = this.listening;
    if (changes) {
      this.listening = false;
      Object.entries(this.handlers).forEach(([names, handler]) => events.off(names, handler));
    }
    return changes;
  }
}
