/** Focus in a window that holds several panels, one of which is the current one. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { FocusTracker } from '../core/focus';
import type { Recorder } from '../core/recorder';
import { notebookOf } from './cells';

export class PanelFocusTracker extends FocusTracker {
  constructor(
    panel: NotebookPanel,
    recorder: Recorder,
    private readonly shell: JupyterFrontEnd.IShell
  ) {
    super(
      recorder,
      () => notebookOf(panel),
      () => shell.currentWidget === panel
    );
  }

  override connect(): void {
    this.shell.currentChanged?.connect(this.look);
    super.connect();
  }

  override disconnect(): void {
    this.shell.currentChanged?.disconnect(this.look);
    super.disconnect();
  }
}
