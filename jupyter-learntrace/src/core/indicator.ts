/** The learner's view: a button that says in a word whether events are sent, and opens what exactly. */
import type { State, Trouble } from './endpoint';
import type { CapturedEvent } from './events';
import { Panel } from './panel';
import { text } from './texts';

/** What there is to show. `state` is null before the first answer. */
export interface View {
  state: State | null;
  /** Why the Jupyter server tells nothing; null while it does. */
  trouble: Trouble | null;
  /** Whether it didn't take what the browser keeps. */
  failing: boolean;
  /** How many events the browser still keeps. */
  held: number;
  last: CapturedEvent | null;
}

export type Mood = 'connecting' | 'sending' | 'waiting' | 'off';

/** Says whether one's events may be sent; rejects where that couldn't be changed. */
export type Choose = (collecting: boolean) => Promise<void>;

export function moodOf(view: View): Mood {
  if (view.state === null) {
    return 'connecting';
  }
  if (view.state.state === 'off') {
    return 'off';
  }
  return view.trouble !== null || view.failing || view.state.state === 'waiting' ? 'waiting' : 'sending';
}

export class Indicator {
  /** The button; the panel is put beside the page's other contents while it is open. */
  readonly node: HTMLButtonElement;

  private readonly word: HTMLSpanElement;
  private readonly panel: Panel;
  private view: View = { state: null, trouble: null, failing: false, held: 0, last: null };

  constructor(choose: Choose) {
    this.node = document.createElement('button');
    this.node.type = 'button';
    this.node.className = 'learntrace-Indicator';
    this.node.setAttribute('aria-haspopup', 'dialog');
    const icon = document.createElement('span');
    icon.className = 'learntrace-Indicator-icon';
    icon.setAttribute('aria-hidden', 'true');
    this.word = document.createElement('span');
    this.node.append(icon, this.word);
    this.panel = new Panel(choose, this.close);
    this.node.addEventListener('click', this.toggle);
    this.show(this.view);
  }

  show(view: View): void {
    this.view = view;
    const mood = moodOf(view);
    const count = view.held + (view.state?.waiting ?? 0);
    const word = text(mood, { count });
    this.node.dataset.mood = mood;
    // Written only where it changed, or screen readers would hear it again.
    if (this.word.textContent !== word) {
      this.word.textContent = word;
      this.node.setAttribute('aria-label', text('button', { word }));
      this.node.title = text('button', { word });
    }
    this.node.setAttribute('aria-expanded', String(this.panel.isOpen));
    this.panel.show(view, mood, count);
  }

  dispose(): void {
    this.close();
    this.node.removeEventListener('click', this.toggle);
    this.node.remove();
  }

  private readonly toggle = (): void => {
    if (this.panel.isOpen) {
      this.close();
      return;
    }
    this.panel.open(this.node);
    this.show(this.view);
    document.addEventListener('pointerdown', this.elsewhere, true);
    window.addEventListener('resize', this.close);
  };

  private readonly close = (): void => {
    const hadFocus = this.panel.node.contains(document.activeElement);
    this.panel.close();
    this.node.setAttribute('aria-expanded', 'false');
    document.removeEventListener('pointerdown', this.elsewhere, true);
    window.removeEventListener('resize', this.close);
    if (hadFocus) {
      this.node.focus();
    }
  };

  private readonly elsewhere = (event: Event): void => {
    const target = event.target as Node;
    if (!this.panel.node.contains(target) && !this.node.contains(target)) {
      this.close();
    }
  };
}
