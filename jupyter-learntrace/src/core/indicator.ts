/** The indicator: a button that says in a word whether events are sent, and opens a panel with the details. */
import { HandControl, placeOf, type HandWatch } from './hand';
import { Panel } from './panel';
import { text } from './texts';
import { moodOf, type Choose, type View } from './view';

export class Indicator {
  /** The button; the open panel is a child of the page's body. */
  readonly node: HTMLButtonElement;

  private readonly word: HTMLSpanElement;
  private readonly panel: Panel;
  private view: View = { state: null, trouble: null, failing: false, held: 0, last: null };

  constructor(
    choose: Choose,
    private readonly hand: HandWatch
  ) {
    this.node = document.createElement('button');
    this.node.type = 'button';
    this.node.className = 'learntrace-Indicator';
    this.node.setAttribute('aria-haspopup', 'dialog');
    const icon = document.createElement('span');
    icon.className = 'learntrace-Indicator-icon';
    icon.setAttribute('aria-hidden', 'true');
    this.word = document.createElement('span');
    this.node.append(icon, this.word);
    this.panel = new Panel(choose, this.close, new HandControl(hand));
    hand.onChange = () => this.show(this.view);
    this.node.addEventListener('click', this.toggle);
    this.show(this.view);
  }

  show(view: View): void {
    this.view = view;
    const mood = moodOf(view);
    const count = view.held + (view.state?.waiting ?? 0);
    const word = text(mood, { count });
    this.node.dataset.mood = mood;
    const place = placeOf(this.hand.current.hand);
    this.node.classList.toggle('learntrace-mod-hand', place !== '');
    const label = place ? text('buttonWithHand', { word, hand: place }) : text('button', { word });
    // Written only if it changed, or screen readers would announce it again.
    if (this.node.title !== label) {
      this.word.textContent = word;
      this.node.setAttribute('aria-label', label);
      this.node.title = label;
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
    void this.hand.refresh();
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
