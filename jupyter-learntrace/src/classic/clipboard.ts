/** Records pastes into code cells: the number of characters, never the text. */
import { characters } from '../core/events';
import type { Recorder, Tracker } from '../core/recorder';
import { cellOf, notebook } from './cells';

export class ClipboardTracker implements Tracker {
  constructor(private readonly recorder: Recorder) {}

  connect(): void {
    document.addEventListener('paste', this.pasted, true);
  }

  disconnect(): void {
    document.removeEventListener('paste', this.pasted, true);
  }

  /** Whole cells that are pasted in command mode go to no editor: they are added. */
  private readonly pasted = (event: ClipboardEvent): void => {
    const editor = event.target instanceof Element ? event.target.closest('.CodeMirror') : null;
    const cell =
      editor &&
      notebook()
        .get_cells()
        .find(candidate => candidate.element[0].contains(editor));
    const text = event.clipboardData?.getData('text') ?? '';
    if (cell?.cell_type === 'code' && text !== '') {
      this.recorder.record('pasted', cellOf(cell), { characters: characters(text) });
    }
  };
}
