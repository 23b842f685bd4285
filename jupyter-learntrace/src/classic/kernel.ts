/** What happens to the kernel: interrupted by the learner; restarted by the learner, or by the server after it died. */
import type { Recorder, Tracker } from '../core/recorder';
import { notebookOf } from './cells';
import { Signals } from './signals';

/** The name under which a kernel's death is told; a restart by the learner has none. */
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

  /** The page tells a death first as a restart, and in the same turn as what it was. */
  private restarting(): void {
    this.died = false;
    queueMicrotask(() => this.recorder.record('restarted', notebookOf(), this.died ? { error_name: DIED } : undefined));
  }
}
