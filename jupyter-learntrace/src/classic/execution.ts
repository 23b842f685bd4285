/** Records executions: which cell ran, how it ended, and how long the kernel took. */
import type { Recorder, Tracker } from '../core/recorder';
import { cellOf } from './cells';
import { resultOf, startOf, type Run } from './run';
import { Signals } from './signals';

const NOT_FOUND = 404;

/**
 * Runs are keyed by their message, as a cell that is run again before it ended has two. The kernel executes them in the
 * order of the requests, which is the order of the map.
 */
export class ExecutionTracker implements Tracker {
  private readonly runs = new Map<string, Run>();
  private lastEnd = 0;

  private readonly beginnings = new Signals({
    'execute.CodeCell': (_, { cell }: { cell: Classic.CodeCell }) => this.sent(cell)
  });
  private readonly endings = new Signals({
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
    this.beginnings.connect();
    this.endings.connect();
  }

  disconnect(): void {
    this.retire();
    this.endings.disconnect();
    this.runs.clear();
  }

  /** Begin no more runs; those that have begun are recorded when they end. */
  retire(): void {
    this.beginnings.disconnect();
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
    // These callbacks are for this message alone. A queued cell begins when its `busy` arrives.
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

  /** End runs that will get no reply any more. */
  private lose(which: (run: Run) => boolean = () => true): void {
    [...this.runs.values()].filter(which).forEach(run => this.end(run));
  }

  /**
   * The running cell is lost. Queued ones may still run: a kernel that died leaves its queue to the next one (seen with
   * ipykernel 6), which answers later requests after them. The first in the queue may have run, if the kernel died
   * before it sent `busy`.
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

  /** A new kernel has answered, so it has the queue no more. The page may miss the kernel's start and not ask it. */
  private readonly answered = (): void => this.lose(run => run.orphaned);

  /** After a restart of the Jupyter server the kernel is gone, which the page notices only after two minutes. */
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
