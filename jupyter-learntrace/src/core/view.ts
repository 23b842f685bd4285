/** What the indicator and its panel show, and the callback behind their switch. */
import type { State, Trouble } from './endpoint';
import type { CapturedEvent } from './events';

/** The values to show. `state` is null before the first answer. */
export interface View {
  state: State | null;
  /** Why the Jupyter server reports no state; null while it does. */
  trouble: Trouble | null;
  /** Whether the last attempt to send events failed. */
  failing: boolean;
  /** How many events the browser still holds. */
  held: number;
  last: CapturedEvent | null;
}

export type Mood = 'connecting' | 'sending' | 'waiting' | 'off';

/** Sets whether the learner's events may be sent; rejects if that fails. */
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
