/**
 * Records executions, from their scheduling to the kernel's reply.
 *
 * Lab's `executed` alone isn't enough: it stays silent where the kernel died, was restarted, or the same cell was run
 * again before it was done. So each run is followed by the id of its message: the kernel's `execute_input` says when it
 * began (Run All schedules all cells at once; what they wait for each other isn't their duration), its reply how it
 * ended. A traceback among the outputs is an error to the learner, even where the kernel replies ok (`%%time`, `%run`):
 * they are complete when the kernel is idle.
 *
 * Where the Jupyter server executes (jupyter-server-nbmodel), this page sends no message and gets no reply, and `executed`
 * tells no error. But the kernel tells all pages what it executes and puts out: the run is found there by its code.
 */
import type { Cell } from '@jupyterlab/cells';
import { NotebookActions, type Notebook, type NotebookPanel } from '@jupyterlab/notebook';
import type { ISessionContext } from '@jupyterlab/apputils';
import type { Kernel, KernelMessage } from '@jupyterlab/services';
import { between } from '../core/duration';
import type { Result } from '../core/events';
import type { Recorder, Tracker } from '../core/recorder';
import { cellOf, isCode, kernelOf } from './cells';
import { endingOf, errorAmong, later, now, put, type Ending, type Executed, type Moment, type Run } from './run';

/** The kernel's messages that tell of a run. */
const OUTPUTS: readonly string[] = ['stream', 'display_data', 'execute_result', 'error'];
const FOLLOWED: readonly string[] = [...OUTPUTS, 'clear_output', 'execute_input', 'execute_reply', 'status'];
/** How long a run that the Jupyter server has executed waits for the kernel's messages about it, in milliseconds. */
const PATIENCE_MS = 3_000;
const ENDED: readonly string[] = ['restarting', 'autorestarting', 'dead', 'terminating'];

export class ExecutionTracker implements Tracker {
  private connected = false;
  private runs: Run[] = [];
  private kernel: Kernel.IKernelConnection | null = null;
  /** When the kernel finished the last run of this notebook. */
  private free: Moment = { wall: 0, steady: 0 };

  constructor(
    private readonly panel: NotebookPanel,
    private readonly recorder: Recorder
  ) {}

  connect(): void {
    if (!this.connected) {
      this.connected = true;
      NotebookActions.executionScheduled.connect(this.onScheduled);
      NotebookActions.executed.connect(this.onExecuted);
      this.panel.sessionContext.kernelChanged.connect(this.onKernel);
      this.panel.sessionContext.statusChanged.connect(this.onStatus);
      this.listen(kernelOf(this.panel));
    }
  }

  disconnect(): void {
    if (this.connected) {
      this.connected = false;
      NotebookActions.executionScheduled.disconnect(this.onScheduled);
      NotebookActions.executed.disconnect(this.onExecuted);
      this.panel.sessionContext.kernelChanged.disconnect(this.onKernel);
      this.panel.sessionContext.statusChanged.disconnect(this.onStatus);
      this.listen(null);
      this.runs = [];
    }
  }

  close(): void {
    this.abandon();
    this.disconnect();
  }

  /** Ends the running cells as well, as nobody will see their end. */
  private abandon(): void {
    for (const run of [...this.runs]) {
      if (run.reply) {
        this.settle(run, run.reply);
      } else if (run.told || (run.remote && run.idle)) {
        this.conclude(run);
      } else {
        this.settle(run, { status: 'aborted' });
      }
    }
  }

  private listen(kernel: Kernel.IKernelConnection | null): void {
    this.kernel?.anyMessage.disconnect(this.onMessage);
    this.kernel = kernel;
    this.kernel?.anyMessage.connect(this.onMessage);
  }

  private readonly onScheduled = (_: unknown, { notebook, cell }: { notebook: Notebook; cell: Cell }): void => {
    if (notebook === this.panel.content && isCode(cell)) {
      const scheduled = now();
      // Lab sends the request within this turn: look for it afterwards.
      queueMicrotask(() => this.follow(cell, scheduled));
    }
  };

  private follow(cell: Cell, scheduled: Moment): void {
    if (!this.connected || !isCode(cell) || cell.isDisposed) {
      return;
    }
    const future = cell.outputArea.future;
    const message = future && !future.isDisposed ? future.msg.header.msg_id : null;
    const object = cellOf(this.panel, cell.model, true);
    this.runs.push({ cell, object, message, remote: message === null, scheduled, began: null });
  }

  private readonly onMessage = (_: unknown, { msg, direction }: Kernel.IAnyMessageArgs): void => {
    const type = msg.header.msg_type;
    const run = direction === 'recv' && FOLLOWED.includes(type) ? this.runOf(msg) : undefined;
    if (!run) {
      return;
    }
    if (type === 'execute_input') {
      run.began = now();
      run.date = msg.header.date;
      run.count = (msg as KernelMessage.IExecuteInputMsg).content.execution_count;
    } else if (type === 'execute_reply') {
      this.replied(run, msg as KernelMessage.IExecuteReplyMsg);
    } else if (type !== 'status') {
      put(run, msg);
    } else if ((msg as KernelMessage.IStatusMsg).content.execution_state === 'idle') {
      this.idle(run, msg.header.date);
    }
  };

  /** The run that a message of the kernel is about. The first one about a run elsewhere is found by its code. */
  private runOf(msg: KernelMessage.IMessage): Run | undefined {
    const parent = (msg.parent_header as Partial<KernelMessage.IHeader>).msg_id;
    const known = this.runs.find(one => one.message !== null && one.message === parent);
    if (known || msg.header.msg_type !== 'execute_input' || parent === undefined) {
      return known;
    }
    const code = (msg as KernelMessage.IExecuteInputMsg).content.code.trim();
    const run = this.runs.find(one => one.message === null && one.object.source?.trim() === code);
    if (run) {
      run.message = parent;
    }
    return run;
  }

  /** The reply and the last output come in either order. */
  private replied(run: Run, reply: KernelMessage.IExecuteReplyMsg): void {
    run.reply = endingOf(reply);
    run.ended = now();
    run.endDate = reply.header.date;
    if (run.idle) {
      this.settle(run, run.reply);
    }
  }

  private idle(run: Run, date: string): void {
    run.idle = true;
    if (run.reply) {
      this.settle(run, run.reply);
    } else if (run.remote) {
      run.ended = now();
      run.endDate = date;
      if (run.told) {
        this.conclude(run);
      }
    }
  }

  private readonly onExecuted = (_: unknown, { notebook, cell, success, error }: Executed): void => {
    // Runs end in order, so this is the oldest one.
    const mine = notebook === this.panel.content;
    const run = mine ? this.runs.find(one => one.cell === cell && one.told === undefined) : undefined;
    if (!run || !isCode(cell)) {
      return;
    }
    run.told = { success, error };
    run.ended ??= now();
    if (run.remote && !run.idle && run.object.source?.trim()) {
      window.setTimeout(() => this.runs.includes(run) && this.conclude(run), PATIENCE_MS);
    } else {
      this.conclude(run);
    }
  };

  /** End a run by all that is known of it. */
  private conclude(run: Run): void {
    const { cell, told, reply } = run;
    const count = run.count ?? (isCode(cell) && !cell.isDisposed ? cell.model.executionCount : null);
    run.error ??= errorAmong(cell);
    if (reply) {
      this.settle(run, reply);
    } else if (told?.error?.errorName) {
      this.settle(run, { status: 'error', ename: told.error.errorName, evalue: told.error.errorValue, count });
    } else if (run.error) {
      this.settle(run, { status: 'ok', count });
    } else if (told && !told.success) {
      // The server told that it failed: where the kernel had begun, that was an error that nobody showed.
      this.settle(run, run.remote && run.began ? { status: 'error', count } : { status: 'aborted' });
    } else if (run.remote && run.began === null && count === null) {
      // An empty cell, or no kernel: nothing was executed.
      this.runs = this.runs.filter(one => one !== run);
    } else {
      this.settle(run, { status: 'ok', count });
    }
  }

  private readonly onKernel = (_: unknown, { newValue }: { newValue: Kernel.IKernelConnection | null }): void => {
    this.abandon();
    this.listen(newValue);
  };

  private readonly onStatus = (_: ISessionContext, status: Kernel.Status): void => {
    if (ENDED.includes(status)) {
      this.abandon();
    }
  };

  private settle(run: Run, told: Ending): void {
    this.runs = this.runs.filter(one => one !== run);
    const ending: Ending = told.status === 'ok' && run.error ? { ...told, ...run.error, status: 'error' } : told;
    const end = run.ended ?? now();
    // Without a begin from the kernel, the run began when the kernel was free.
    const start = run.began ?? later(run.scheduled, this.free);
    this.free = end;
    const neverBegan = run.began === null && ending.status === 'aborted';
    const seen = Math.max(0, Math.round(end.steady - start.steady));
    const duration = neverBegan ? 0 : (between(run.date, run.endDate) ?? seen);
    const result: Result = { outcome: ending.status, duration_ms: duration };
    if (ending.status === 'error') {
      result.error_name = ending.ename ?? '';
      result.error_value = ending.evalue ?? '';
    }
    if (typeof ending.count === 'number') {
      result.execution_count = ending.count;
    }
    this.recorder.record('executed', run.object, result, start.wall);
  }
}
