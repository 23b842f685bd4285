/** Records whether a notebook has the focus: it is the current one, in a visible window that has the focus. */
import type { NotebookObject } from './events';
import type { Recorder, Tracker } from './recorder';

export class FocusTracker implements Tracker {
  private connected = false;

  /** `isCurrent`: whether the window shows this notebook; `focused`: the state that was recorded last. */
  constructor(
    private readonly recorder: Recorder,
    private readonly notebook: () => NotebookObject,
    private readonly isCurrent: () => boolean = () => true,
    private focused = false
  ) {}

  /** Whether the last recorded change was to have the focus. */
  get hasFocus(): boolean {
    return this.focused;
  }

  connect(): void {
    if (!this.connected) {
      this.connected = true;
      window.addEventListener('focus', this.look);
      window.addEventListener('blur', this.look);
      document.addEventListener('visibilitychange', this.look);
      this.look();
    }
  }

  disconnect(): void {
    if (this.connected) {
      this.connected = false;
      this.focused = false;
      window.removeEventListener('focus', this.look);
      window.removeEventListener('blur', this.look);
      document.removeEventListener('visibilitychange', this.look);
    }
  }

  /** The notebook was closed, or its page is going away. */
  close(): void {
    if (this.connected) {
      this.turn(false);
    }
    this.disconnect();
  }

  /** Several signals may come for one change. */
  protected readonly look = (): void => {
    this.turn(document.visibilityState === 'visible' && document.hasFocus() && this.isCurrent());
  };

  private turn(focused: boolean): void {
    if (focused !== this.focused) {
      this.focused = focused;
      this.recorder.record(focused ? 'focused' : 'blurred', this.notebook());
    }
  }
}
