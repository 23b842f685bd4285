/** The learner's raised hand: what the Jupyter server says of it, and the part of the panel that raises it. */
import type { Endpoint, Hand, Help } from './endpoint';
import { Presence } from './presence';
import { text } from './texts';

/** How often the place in the queue is asked for while a hand is up, and how often whether hands can be raised. */
const UP_MS = 10_000;
const DOWN_MS = 300_000;
/** After an answer that failed. */
const AGAIN_MS = 30_000;
const LONGEST_TEXT = 200;

/** What is known of the hand. Nothing is asked for before `start`. */
export class HandWatch {
  /** Called after each answer. */
  onChange: () => void = () => undefined;

  private known: Help = { allowed: false, hand: null };
  /** How often the learner has raised the hand or taken it back here, begun or answered. */
  private decisions = 0;
  private readonly presence = new Presence(() => void this.refresh());
  private timer: number | undefined;
  private running = false;

  /** `about` returns the assignment that the learner is at. */
  constructor(
    private readonly endpoint: Endpoint,
    private readonly about: () => string | null
  ) {}

  get current(): Help {
    return this.known;
  }

  start(): void {
    this.running = true;
    this.presence.start();
    void this.refresh();
  }

  stop(): void {
    this.running = false;
    this.presence.stop();
    window.clearTimeout(this.timer);
  }

  /** Ask now; a failure leaves what is known, and so does an answer that a decision overtook: it may be older. */
  readonly refresh = async (): Promise<void> => {
    const decisions = this.decisions;
    try {
      const help = await this.endpoint.help();
      if (decisions === this.decisions) {
        this.take(help);
      } else {
        this.schedule(AGAIN_MS);
      }
    } catch {
      this.schedule(AGAIN_MS);
    }
  };

  /** Raise the hand; rejects with Refused where that isn't possible. */
  async raise(question: string): Promise<void> {
    await this.decide(this.endpoint.raiseHand(question, this.about()));
  }

  async takeBack(): Promise<void> {
    await this.decide(this.endpoint.takeHandBack());
  }

  private async decide(answer: Promise<Help>): Promise<void> {
    this.decisions++;
    const help = await answer;
    this.decisions++;
    this.take(help);
  }

  private take(help: Help): void {
    this.known = help;
    this.schedule(help.hand ? UP_MS : DOWN_MS);
    this.onChange();
  }

  private schedule(milliseconds: number): void {
    window.clearTimeout(this.timer);
    if (this.running) {
      this.timer = window.setTimeout(() => {
        // Asked anew as soon as somebody is there again.
        if (this.presence.isThere) {
          void this.refresh();
        }
      }, milliseconds);
    }
  }
}

/** The learner's place in words; empty where no hand is up. */
export function placeOf(hand: Hand | null): string {
  if (hand === null) {
    return '';
  }
  if (hand.before === null) {
    return text('handHelped', { who: hand.helper ?? text('somebody') });
  }
  if (hand.before === 0) {
    return text('handNext');
  }
  return text(hand.before === 1 ? 'handBefore.one' : 'handBefore.many', { count: hand.before });
}

/** The controls: a question and a button that raises the hand; then the place in the queue, and a button that takes it back. */
export class HandControl {
  readonly node = document.createElement('form');

  private readonly words = document.createElement('p');
  private readonly question = document.createElement('input');
  private readonly button = document.createElement('button');
  private readonly failure = document.createElement('p');

  constructor(private readonly watch: HandWatch) {
    this.node.className = 'learntrace-Hand';
    this.words.setAttribute('role', 'status');
    this.question.maxLength = LONGEST_TEXT;
    this.question.autocomplete = 'off';
    this.button.className = 'learntrace-Hand-button';
    this.failure.className = 'learntrace-Panel-failure';
    this.failure.setAttribute('role', 'alert');
    this.node.append(this.words, this.question, this.button, this.failure);
    this.node.addEventListener('submit', event => {
      event.preventDefault();
      void this.press();
    });
  }

  show(): void {
    const { allowed, hand } = this.watch.current;
    this.node.hidden = !allowed && hand === null;
    const words = hand ? `${text('handUp')} ${placeOf(hand)}` : `${text('handTitle')} ${text('handAbout')}`;
    // Written only if it changed, or screen readers would announce it again.
    if (this.words.textContent !== words) {
      this.words.textContent = words;
    }
    this.question.hidden = hand !== null;
    this.question.placeholder = text('handText');
    this.question.setAttribute('aria-label', text('handText'));
    this.button.textContent = text(hand ? 'handTakeBack' : 'handRaise');
  }

  private async press(): Promise<void> {
    this.button.disabled = true;
    this.failure.textContent = '';
    try {
      if (this.watch.current.hand) {
        await this.watch.takeBack();
      } else {
        await this.watch.raise(this.question.value);
        this.question.value = '';
      }
    } catch (reason) {
      this.failure.textContent = text('handFailed', {
        reason: reason instanceof Error ? reason.message : String(reason)
      });
    }
    this.button.disabled = false;
    this.button.focus();
  }
}
