/** The indicator's panel: server, account, counts, the last event, and the switch where the academy allows it. */
import type { State } from './endpoint';
import type { CapturedEvent } from './events';
import type { HandControl } from './hand';
import { momentText, reasonText, text, type TextKey } from './texts';
import type { Choose, Mood, View } from './view';

/** How far the panel stays from the window's edges, in pixels. */
const MARGIN = 8;

export class Panel {
  readonly node = element('div', 'learntrace-Panel');

  private readonly body = element('div', 'learntrace-Panel-body');
  private readonly choice = element('button', 'learntrace-Switch');
  private readonly failure = element('p', 'learntrace-Panel-failure');
  private readonly example = element('details', 'learntrace-Example');
  private readonly exampleTitle = element('summary');
  private readonly exampleText = element('pre');

  constructor(
    private readonly choose: Choose,
    private readonly onClose: () => void,
    private readonly hand: HandControl
  ) {
    this.node.setAttribute('role', 'dialog');
    this.node.tabIndex = -1;
    this.choice.type = 'button';
    this.choice.setAttribute('role', 'switch');
    this.choice.addEventListener('click', () => void this.switchOver());
    this.failure.setAttribute('role', 'alert');
    this.exampleText.tabIndex = 0;
    this.exampleText.setAttribute('role', 'region');
    this.example.append(this.exampleTitle, this.exampleText);
    this.node.addEventListener('keydown', event => {
      // Keep the front end's one-letter shortcuts from reacting.
      event.stopPropagation();
      if (event.key === 'Escape') {
        this.onClose();
      }
    });
  }

  get isOpen(): boolean {
    return this.node.isConnected;
  }

  /** Open below `button`, in the page's body, so that nothing clips it. */
  open(button: HTMLElement): void {
    const close = element('button', 'learntrace-Panel-close', '×');
    close.type = 'button';
    close.setAttribute('aria-label', text('close'));
    close.addEventListener('click', this.onClose);
    this.node.setAttribute('aria-label', text('title'));
    this.node.replaceChildren(
      element('h2', '', text('title')),
      close,
      this.hand.node,
      this.body,
      this.example,
      this.choice,
      this.failure
    );
    this.failure.textContent = '';
    document.body.append(this.node);
    const place = button.getBoundingClientRect();
    this.node.style.top = `${place.bottom + 4}px`;
    this.node.style.right = `${Math.max(MARGIN, document.documentElement.clientWidth - place.right)}px`;
    this.node.style.maxHeight = `${window.innerHeight - place.bottom - 2 * MARGIN}px`;
    this.node.focus();
  }

  close(): void {
    this.node.remove();
  }

  show(view: View, mood: Mood, count: number): void {
    if (!this.isOpen) {
      return;
    }
    const { state } = view;
    const paragraphs = explanations(view, mood).map(line => element('p', '', line));
    this.body.replaceChildren(...paragraphs, ...(state ? [facts(state, count)] : []));
    this.showExample(view.last);
    this.hand.show();
    this.choice.hidden = !state?.may_opt_out;
    this.choice.textContent = text('collect');
    this.choice.setAttribute('aria-checked', String(state?.collecting ?? false));
  }

  /** Show an event as it is sent, folded; it stays open while newer ones follow. */
  private showExample(last: CapturedEvent | null): void {
    this.exampleTitle.textContent = text('example');
    this.exampleText.setAttribute('aria-label', text('example'));
    this.exampleText.textContent =
      last === null
        ? text('noExample')
        : JSON.stringify(last, (key, value: unknown) => (key === 'source' ? undefined : value), 2);
  }

  private async switchOver(): Promise<void> {
    const wanted = this.choice.getAttribute('aria-checked') !== 'true';
    this.choice.disabled = true;
    this.failure.textContent = '';
    try {
      await this.choose(wanted);
    } catch (reason) {
      this.failure.textContent = text('choiceFailed', {
        reason: reason instanceof Error ? reason.message : String(reason)
      });
    }
    this.choice.disabled = false;
    this.choice.focus();
  }
}

function explanations(view: View, mood: Mood): string[] {
  const lines: string[] = [];
  if (view.trouble !== null) {
    lines.push(reasonText(view.trouble));
  } else if (view.state && !(view.failing && view.state.state === 'sending')) {
    lines.push(view.state.detail || reasonText(view.state.reason));
  }
  if (mood === 'off') {
    lines.push(text('about.off'));
  } else {
    lines.push(text('about.sending'));
  }
  if (mood === 'waiting') {
    lines.push(text('about.waiting'));
  }
  return lines.filter(line => line !== '');
}

function facts(state: State, count: number): HTMLElement {
  const list = element('dl', 'learntrace-Facts');
  const add = (key: TextKey, value: string | null): void => {
    if (value !== null) {
      list.append(element('dt', '', text(key)), element('dd', '', value));
    }
  };
  const { actor, academy } = state;
  add('server', state.server);
  add('actor', actor !== null && academy !== null ? text('actorIn', { actor, academy }) : actor);
  if (state.reason !== 'not-installed' && state.reason !== 'not-configured') {
    add('held', String(count));
    add('sent', String(state.sent));
    add('rejected', state.rejected > 0 ? String(state.rejected) : null);
    add('lastSent', state.last_sent_at === null ? text('never') : momentText(state.last_sent_at));
    add('source', text(state.collects_source ? 'sourceSent' : 'sourceHashed'));
  }
  return list;
}

function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className = '',
  content = ''
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  if (className) {
    made.className = className;
  }
  made.textContent = content;
  return made;
}
