/** The raised hand where there is no panel: one button in Classic Notebook's menu bar. */
import type { HandWatch } from '../core/hand';
import { placeOf } from '../core/hand';
import { text } from '../core/texts';

/** Show the button while hands can be raised; the returned function takes it away. */
export function showHand(watch: HandWatch): () => void {
  const button = document.createElement('button');
  button.type = 'button';
  // Classic's own look: this file comes without a style sheet.
  button.className = 'btn btn-default btn-xs navbar-btn pull-right learntrace-hand';
  const show = (failure = ''): void => {
    const { allowed, hand } = watch.current;
    button.hidden = !allowed && hand === null;
    const words = hand ? `${text('handUp')} ${placeOf(hand)} ${text('handTakeBack')}` : text('handRaise');
    button.textContent = failure || words;
    button.title = text('handAbout');
  };
  watch.onChange = show;
  button.addEventListener('click', () => {
    button.disabled = true;
    const done = watch.current.hand ? watch.takeBack() : watch.raise('');
    done
      .catch((reason: unknown) => {
        show(text('handFailed', { reason: reason instanceof Error ? reason.message : String(reason) }));
      })
      .finally(() => (button.disabled = false));
  });
  show();
  document.getElementById('kernel_indicator')?.after(button);
  watch.start();
  return () => {
    watch.stop();
    button.remove();
  };
}
