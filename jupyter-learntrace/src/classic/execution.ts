/** Executions: which cell ran, how it ended, and how long the kernel had it. */
import type { Recorder, Tracker } from '../core/recorder';
import { cellOf } from './cells';
import { resultOf, startOf, type Run } from './run';
import { Signals } from './signals';

const NOT_FOUND = 404;

/**
 * Runs are known by their message, not their cell: a cell that is run again before it ended has two. The kernel takes
 * them in the order of asking, which is the order of the map.
 */
export class ExecutionTracker implements Tracker {
  private readonly runs = new Map<string, Run>();
  private lastEnd = 0;

  private readonly signals = new Signals({
    'execute.CodeCell': (_, { cell }: { cell: Classic.CodeCell }) => this.sent(cell),
    'shell_reply.Kernel': (_, { reply }: { reply: Classic.Message<Classic.ExecuteReply> }) => this.replied(reply),
    'finished_iopub.Kernel': (_, { msg_id }: { msg_id: string }) => this.idle(msg_id),
    'kernel_restarting.Kernel': () => this.restarting(),
    'kernel_autorestarting.Kernel': (_, { kernel }: { kernel: Classic.Kernel }) => kernel.kernel_info(this.answered),
    'kernel_ready.Kernel': () => this.answered(),
    'kernel_connection_failed.Kernel': (_, { kernel }: { kernel: Classic.Kernel }) => this.unreachable(kernel),
    'kernel_dead.Kernel kernel_connection_dead.Kernel': () => this.lose(),
    'kernel_killed.Kernel kernel_killed.Session': () => this.lose()
  });

  constructor(private readonly recorder: Recorder) {}

  connect(): void {
    this.signals.connect();
  }

  disconnect(): void {
    this.signals.disconnect();
    this.runs.clear();
  }

  /** The page is going away: nobody will see how the running cells end. */
  close(): void {
    this.lose();
    this.disconnect();
  }

  private sent(cell: Classic.CodeCell): void {
    const id = cell.last_msg_id;
    if (id === null) {
      return;
    }
    const object = cellOf(cell, true);
    const run: Run = { id, cell, object, asked: performance.now(), idle: false, orphaned: false };
    this.runs.set(id, run);
    // These callbacks are for this message alone. `busy` is when a cell that was queued begins.
    const iopub = cell.kernel.get_callbacks_for_msg(id)?.iopub;
    if (iopub) {
      iopub.status = ({ content, header }) => {
        if (content.execution_state === 'busy') {
          run.started = performance.now();
          run.startedDate = header.date;
        }
      };
    }
  }

  private replied(reply: Classic.Message<Classic.ExecuteReply>): void {
    const run = this.runs.get(reply.parent_header.msg_id ?? '');
    if (run) {
      run.ended = performance.now();
      run.endedDate = reply.header.date;
      run.reply = reply.content;
      this.finish(run);
    }
  }

  private idle(id: string): void {
    const run = this.runs.get(id);
    if (run) {
      run.idle = true;
      this.finish(run);
    }
  }

  /** The reply and the last output come in either order. */
  private finish(run: Run): void {
    if (run.reply && run.idle) {
      this.end(run);
    }
  }

  private end(run: Run): void {
    const now = performance.now();
    const began = Date.now() - (now - startOf(run, this.lastEnd));
    this.runs.delete(run.id);
    this.recorder.record('executed', run.object, resultOf(run, now, this.lastEnd), began);
    this.lastEnd = Math.max(this.lastEnd, run.ended ?? now);
  }

  /** End what has no reply to wait for any more. */
  private lose(which: (run: Run) => boolean = () => true): void {
    [...this.runs.values()].filter(which).forEach(run => this.end(run));
  }

  /**
   * What ran is lost. What was queued may yet run: a kernel that died leaves its queue to the next one (seen with
   * ipykernel 6), and whatever that one is asked later it answers later. The first in the queue may have run, and its
   * kernel died before `busy` came out.
   */
  private restarting(): void {
    const [first] = this.runs.values();
    this.lose(run => run.started !== undefined);
    if (first && first.started === undefined) {
      first.started = Math.max(first.asked, this.lastEnd);
      first.ended = performance.now();
    }
    this.runs.forEach(run => {
      run.orphaned = true;
    });
  }

  /** The page itself asks a new kernel only if it hears it start, which it may miss: so we ask as well. */
  private readonly answered = (): void => this.lose(run => run.orphaned);

  /** Behind a Jupyter server that was restarted the kernel is no more; the page finds out after two minutes. */
  private unreachable(kernel: Classic.Kernel): void {
    if (this.runs.size > 0) {
      kernel.get_info(null, ({ status }) => {
        if (status === NOT_FOUND) {
          this.lose();
        }
      });
    }
  }
}
