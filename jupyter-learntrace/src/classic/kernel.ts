/** Records that the kernel is interrupted by the learner, or restarted by the learner or after its death. */
import type { Recorder, Tracker } from '../core/recorder';
import { notebookOf } from './cells';
import { Signals } from './signals';

/** The error name of a restart after the kernel's death; a restart by the learner has none. */
const DIED = 'KernelDied';

export class KernelTracker implements Tracker {
  private died = false;

  private readonly signals = new Signals({
    'kernel_interrupting.Kernel': () => this.recorder.record('interrupted', notebookOf()),
    'kernel_restarting.Kernel': () => this.restarting(),
    'kernel_autorestarting.Kernel': () => {
      this.died = true;
    }
  });

  constructor(private readonly recorder: Recorder) {}

  connect(): void {
    this.signals.connect();
  }

  disconnect(): void {
    this.signals.disconnect();
  }

  /** For a death, the page signals a restart first, and the death within the same turn. */
  private restarting(): void {
    this.died = false;
    queueMicrotask(() => this.recorder.record('restarted', notebookOf(), this.died ? { error_name: DIED } : undefined));
  }
}
