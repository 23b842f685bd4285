/** The kernel: restarted by the learner or because it died, and interrupted. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { Kernel } from '@jupyterlab/services';
import type { Result } from '../core/events';
import type { Recorder, Tracker } from '../core/recorder';
import { notebookOf } from './cells';

/** Buttons, menus and shortcuts all end in this command; the kernel itself doesn't tell that it was interrupted. */
const INTERRUPT = 'notebook:interrupt-kernel';
/** By this argument a command may name another notebook than the current one. */
const WIDGET_ID = 'semanticWidgetId';
/** The name under which a kernel's death is told; a restart by the learner has none. */
const DIED = 'KernelDied';

export class KernelTracker implements Tracker {
  private connected = false;
  /** Since when, in milliseconds since 1970, and whether it has been told. */
  private restarting: number | null = null;
  private told = false;

  constructor(
    private readonly panel: NotebookPanel,
    private readonly recorder: Recorder,
    private readonly isSpeaker: () => boolean,
    private readonly notebooks: INotebookTracker,
    private readonly commands: JupyterFrontEnd['commands']
  ) {}

  connect(): void {
    if (!this.connected) {
      this.connected = true;
      this.panel.sessionContext.statusChanged.connect(this.onStatus);
      this.commands.commandExecuted.connect(this.onCommand);
    }
  }

  disconnect(): void {
    if (this.connected) {
      this.connected = false;
      this.restarting = null;
      this.told = false;
      this.panel.sessionContext.statusChanged.disconnect(this.onStatus);
      this.commands.commandExecuted.disconnect(this.onCommand);
    }
  }

  /** Lab tells a restart several times, and a death first as a restart: the status that follows decides. */
  private readonly onStatus = (_: unknown, status: Kernel.Status): void => {
    if (status === 'restarting') {
      this.restarting ??= Date.now();
    } else if (status === 'autorestarting' || status === 'dead') {
      this.tell({ error_name: DIED });
    } else {
      if (this.restarting !== null) {
        this.tell();
      }
      this.told = false;
      this.restarting = null;
    }
  };

  private tell(result?: Result): void {
    if (!this.told && this.isSpeaker()) {
      this.recorder.record('restarted', notebookOf(this.panel), result, this.restarting ?? Date.now());
    }
    this.told = true;
  }

  private readonly onCommand = (_: unknown, { id, args }: { id: string; args: { [key: string]: unknown } }): void => {
    if (id === INTERRUPT) {
      const named = this.notebooks.find(panel => panel.id === args[WIDGET_ID]);
      if ((named ?? this.notebooks.currentWidget) === this.panel) {
        this.recorder.record('interrupted', notebookOf(this.panel));
      }
    }
  };
}
