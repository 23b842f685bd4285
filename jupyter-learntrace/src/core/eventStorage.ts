/**
 * Stores events in localStorage until the Jupyter server has taken them, so that they outlive the page.
 *
 * Each event has a key of its own, so storing one costs the same however many wait. A key contains the base URL, because
 * the users of a hub share an origin, and the page's id, because tabs share the storage: a tab sends its own events and
 * adopts those of pages that are gone. A page writes a heartbeat and removes it when it goes away. If two tabs adopt the
 * same events at once, both send them, and the server counts them once.
 */
import { uuid, type CapturedEvent } from './events';

/** A page without a heartbeat for so long is gone. Browsers run the timers of a hidden page once a minute. */
const GONE_MS = 180_000;

export class EventStorage {
  private readonly prefix: string;
  private readonly page = uuid();
  private readonly keys = new Map<string, string>();
  private nextNumber = 0;
  private warnedFull = false;

  constructor(
    baseUrl: string,
    private readonly storage: Storage | null
  ) {
    this.prefix = `learntrace|${encodeURIComponent(baseUrl)}|`;
  }

  put(event: CapturedEvent): void {
    const key = `${this.prefix}${this.page}|${String(this.nextNumber++).padStart(9, '0')}`;
    try {
      this.storage?.setItem(key, JSON.stringify(event));
      this.keys.set(event.id, key);
    } catch (reason) {
      if (!this.warnedFull) {
        this.warnedFull = true;
        console.warn('Learntrace: the browser keeps no more events for later; they stay in this page.', reason);
      }
    }
  }

  remove(id: string): void {
    const key = this.keys.get(id);
    if (key !== undefined) {
      this.keys.delete(id);
      this.storage?.removeItem(key);
    }
  }

  beat(): void {
    try {
      this.storage?.setItem(this.beatKey(this.page), String(Date.now()));
    } catch {
      // The storage is full: at worst, another tab sends these events as well.
    }
  }

  leave(): void {
    this.storage?.removeItem(this.beatKey(this.page));
  }

  /** Take over the events of pages that are gone, and return them, oldest first. */
  adopt(): CapturedEvent[] {
    const adopted: CapturedEvent[] = [];
    for (const [page, keys] of this.otherPages()) {
      const beat = Number(this.storage?.getItem(this.beatKey(page)) ?? 0);
      if (Date.now() - beat < GONE_MS) {
        continue;
      }
      for (const key of keys.sort()) {
        const event = parseEvent(this.storage?.getItem(key));
        // Store our copy before removing the other one, so that the event is never missing.
        if (event) {
          this.put(event);
          adopted.push(event);
        }
        this.storage?.removeItem(key);
      }
      this.storage?.removeItem(this.beatKey(page));
    }
    return adopted;
  }

  /** The keys of the events of other pages, by page. */
  private otherPages(): Map<string, string[]> {
    const pages = new Map<string, string[]>();
    for (let index = 0; index < (this.storage?.length ?? 0); index++) {
      const key = this.storage?.key(index) ?? '';
      const [page, rest] = key.startsWith(this.prefix) ? key.slice(this.prefix.length).split('|') : ['', ''];
      if (page && page !== this.page) {
        const keys = pages.get(page) ?? [];
        pages.set(page, rest === 'beat' ? keys : [...keys, key]);
      }
    }
    return pages;
  }

  private beatKey(page: string): string {
    return `${this.prefix}${page}|beat`;
  }
}

/** The browser's storage; null where the browser forbids it. */
export function browserStorage(): Storage | null {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

function parseEvent(text: string | null | undefined): CapturedEvent | null {
  try {
    const event = JSON.parse(text ?? '') as CapturedEvent;
    return typeof event.id === 'string' ? event : null;
  } catch {
    return null;
  }
}
