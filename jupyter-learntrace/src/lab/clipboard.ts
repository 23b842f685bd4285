/** Records pastes into code cells: the number of characters, never the text. */
import type { NotebookPanel } from '@jupyterlab/notebook';
import { characters } from '../core/events';
import type { Recorder, Tracker } from '../core/recorder';
import { cellOf, isCode } from './cells';

export class ClipboardTracker implements Tracker {
  constructor(
    private readonly panel: NotebookPanel,
    private readonly recorder: Recorder
  ) {}

  connect(): void {
    // In the capture phase, as the editor stops the event once it has handled it. A listener is added only once.
    this.panel.content.node.addEventListener('paste', this.onPaste, true);
  }

  disconnect(): void {
    this.panel.content.node.removeEventListener('paste', this.onPaste, true);
  }

  private readonly onPaste = (event: ClipboardEvent): void => {
    const pasted = event.clipboardData?.getData('text/plain') ?? '';
    const target = event.target as Node;
    const cell = this.panel.content.widgets.find(widget => widget.node.contains(target));
    if (pasted && cell && isCode(cell) && cell.editorWidget?.node.contains(target)) {
      this.recorder.record('pasted', cellOf(this.panel, cell.model), { characters: characters(pasted) });
    }
  };
}
