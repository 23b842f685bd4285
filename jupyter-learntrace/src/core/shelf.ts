/**
 * Keeps in localStorage what the Jupyter server hasn't taken yet, so that it survives the page.
 *
 * Each event has a key of its own: keeping one costs the same however many wait. Keys hold the base URL, because the
 * users of one hub share an origin, and the page, because tabs share the storage: a tab sends what it captured itself
 * and what was left by pages that are gone. A page shows that it is there by a beat, and takes it back when it goes.
 * Two tabs that adopt the same events at once only send them twice, which the server counts once.
 */
import { uuid, type CapturedEvent } from './events';

/** A page without a beat for so long is gone. Browsers let a hidden page's timers run once a minute. */
const GONE_MS = 180_000;

export class Shelf {
  private readonly prefix: string;
  private readonly page = uuid();
  private readonly keys = new Map<string, string>();
  private next = 0;
  private full = false;

  constructor(
    baseUrl: string,
    private readonly storage: Storage | null
  ) {
    this.prefix = `learntrace|${encodeURIComponent(baseUrl)}|`;
  }

  put(event: CapturedEvent): void {
    const key = `${this.prefix}${this.page}|${String(this.next++).padStart(9, '0')}`;
    try {
      this.storage?.setItem(key, JSON.stringify(event));
      this.keys.set(event.id, key);
    } catch (reason) {
      if (!this.full) {
        this.full = true;
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
      // Full: the worst that follows is that another tab sends our events as well.
    }
  }

  leave(): void {
    this.storage?.removeItem(this.beatKey(this.page));
  }

  /** Take over the events of pages that are gone, oldest first. */
  adopt(): CapturedEvent[] {
    const adopted: CapturedEvent[] = [];
    for (const [page, keys] of this.others()) {
      const beat = Number(this.storage?.getItem(this.beatKey(page)) ?? 0);
      if (Date.now() - beat < GONE_MS) {
        continue;
      }
      for (const key of keys.sort()) {
        const event = parsed(this.storage?.getItem(key));
        // Ours first, then away with the other: in between it is there twice, never not at all.
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

  private others(): Map<string, string[]> {
    const found = new Map<string, string[]>();
    for (let index = 0; index < (this.storage?.length ?? 0); index++) {
      const key = this.storage?.key(index) ?? '';
      const [page, rest] = key.startsWith(this.prefix) ? key.slice(this.prefix.length).split('|') : ['', ''];
      if (page && page !== this.page) {
        const keys = found.get(page) ?? [];
        found.set(page, rest === 'beat' ? keys : [...keys, key]);
      }
    }
    return found;
  }

  private beatKey(page: string): string {
    return `${this.prefix}${page}|beat`;
  }
}

/** The browser's storage; null where it is forbidden. */
export function browserStorage(): Storage | null {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

function parsed(text: string | null | undefined): CapturedEvent | null {
  try {
    const event = JSON.parse(text ?? '') as CapturedEvent;
    return typeof event.id === 'string' ? event : null;
  } catch {
    return null;
  }
}
