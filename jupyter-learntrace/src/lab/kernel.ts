/** Records that the kernel is interrupted by the learner, or restarted by the learner or after its death. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { Kernel } from '@jupyterlab/services';
import type { Result } from '../core/events';
import type { Recorder, Tracker } from '../core/recorder';
import { notebookOf } from './cells';

/** Buttons, menus and shortcuts all run this command; the kernel itself doesn't report an interrupt. */
const INTERRUPT = 'notebook:interrupt-kernel';
/** The argument by which a command names another notebook than the current one. */
const WIDGET_ID = 'semanticWidgetId';
/** The error name of a restart after the kernel's death; a restart by the learner has none. */
const DIED = 'KernelDied';

export class KernelTracker implements Tracker {
  private connected = false;
  /** When the restart began, in milliseconds since 1970, and whether it has been recorded. */
  private restarting: number | null = null;
  private recorded = false;

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
      this.recorded = false;
      this.panel.sessionContext.statusChanged.disconnect(this.onStatus);
      this.commands.commandExecuted.disconnect(this.onCommand);
    }
  }

  /** Lab signals a restart several times, and a death first as a restart: the next status decides. */
  private readonly onStatus = (_: unknown, status: Kernel.Status): void => {
    if (status === 'restarting') {
      this.restarting ??= Date.now();
    } else if (status === 'autorestarting' || status === 'dead') {
      this.record({ error_name: DIED });
    } else {
      if (this.restarting !== null) {
        this.record();
      }
      this.recorded = false;
      this.restarting = null;
    }
  };

  private record(result?: Result): void {
    if (!this.recorded && this.isSpeaker()) {
      this.recorder.record('restarted', notebookOf(this.panel), result, this.restarting ?? Date.now());
    }
    this.recorded = true;
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
