/**
 * Records executions, from their scheduling to the kernel's reply.
 *
 * Lab's `executed` alone isn't enough: it stays silent where the kernel died, was restarted, or the same cell was run
 * again before it was done. So each run is followed by the id of its message: the kernel's `execute_input` says when it
 * began (Run All schedules all cells at once; what they wait for each other isn't their duration), its reply how it
 * ended. A traceback among the outputs is an error to the learner, even where the kernel replies ok (`%%time`, `%run`):
 * they are complete when the kernel is idle. `executed` settles the runs of front ends that execute without such messages.
 */
import type { Cell, CodeCell } from '@jupyterlab/cells';
import { NotebookActions, type Notebook, type NotebookPanel } from '@jupyterlab/notebook';
import type { ISessionContext } from '@jupyterlab/apputils';
import type { Kernel, KernelMessage } from '@jupyterlab/services';
import { between } from '../core/duration';
import type { CellObject, Result } from '../core/events';
import type { Recorder, Tracker } from '../core/recorder';
import { cellOf, isCode, kernelOf } from './cells';

/** A moment by two clocks, wall time and one that is never set back, both in milliseconds. */
interface Moment {
  wall: number;
  steady: number;
}

interface Run {
  cell: Cell;
  object: CellObject;
  /** The id of the message to the kernel; null where there is none. */
  message: string | null;
  scheduled: Moment;
  began: Moment | null;
  /** Begin by the kernel's own clock. */
  date?: string;
  /** The first error among its outputs. */
  error?: { ename: string; evalue: string };
  /** The kernel's reply, and when it came. */
  reply?: Ending;
  replied?: Moment;
  /** Whether its outputs are complete. */
  idle?: boolean;
}

interface Ending {
  status: 'ok' | 'error' | 'aborted';
  ename?: string;
  evalue?: string;
  count?: number | null;
  /** End by the kernel's own clock. */
  date?: string;
}

/** Lab's arguments of `executed`; it exports no name for them. */
interface Executed {
  notebook: Notebook;
  cell: Cell;
  success: boolean;
  error?: { errorName?: string; errorValue?: string } | null;
}

/** The kernel's messages that tell of a run. */
const FOLLOWED: readonly string[] = ['execute_input', 'error', 'execute_reply', 'status'];
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
      this.settle(run, run.reply ?? { status: 'aborted' });
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
    this.runs.push({ cell, object: cellOf(this.panel, cell.model, true), message, scheduled, began: null });
  }

  private readonly onMessage = (_: unknown, { msg, direction }: Kernel.IAnyMessageArgs): void => {
    const type = msg.header.msg_type;
    if (direction !== 'recv' || !FOLLOWED.includes(type)) {
      return;
    }
    const parent = (msg.parent_header as Partial<KernelMessage.IHeader>).msg_id;
    const run = this.runs.find(one => one.message === parent);
    if (!run) {
      return;
    }
    if (type === 'execute_input') {
      run.began = now();
      run.date = msg.header.date;
    } else if (type === 'error') {
      run.error ??= (msg as KernelMessage.IErrorMsg).content;
    } else if (type === 'execute_reply') {
      run.reply = { ...endingOf(msg as KernelMessage.IExecuteReplyMsg), date: msg.header.date };
      run.replied = now();
      if (run.idle) {
        this.settle(run, run.reply);
      }
    } else if ((msg as KernelMessage.IStatusMsg).content.execution_state === 'idle') {
      // The reply and the last output come in either order.
      run.idle = true;
      if (run.reply) {
        this.settle(run, run.reply);
      }
    }
  };

  private readonly onExecuted = (_: unknown, { notebook, cell, success, error }: Executed): void => {
    // Runs end in order, so this is the oldest one.
    const run = notebook === this.panel.content ? this.runs.find(one => one.cell === cell) : undefined;
    if (!run || !isCode(cell)) {
      return;
    }
    const count = cell.model.executionCount;
    run.error ??= errorAmong(cell);
    if (run.reply) {
      this.settle(run, run.reply);
    } else if (success && run.message === null && count === null) {
      // An empty cell, or no kernel: nothing was executed.
      this.runs = this.runs.filter(one => one !== run);
    } else if (success) {
      this.settle(run, { status: 'ok', count });
    } else if (error?.errorName) {
      this.settle(run, { status: 'error', ename: error.errorName, evalue: error.errorValue, count });
    } else if (run.error) {
      // Where the Jupyter server executes, there is no reply of a kernel.
      this.settle(run, { status: 'ok', count });
    } else {
      this.settle(run, { status: 'aborted' });
    }
  };

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
    const end = run.replied ?? now();
    // Without a begin from the kernel, the run began when the kernel was free.
    const start = run.began ?? later(run.scheduled, this.free);
    this.free = end;
    const neverBegan = run.began === null && ending.status === 'aborted';
    const seen = Math.max(0, Math.round(end.steady - start.steady));
    const duration = neverBegan ? 0 : (between(run.date, ending.date) ?? seen);
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

function endingOf(reply: KernelMessage.IExecuteReplyMsg): Ending {
  const { content } = reply;
  switch (content.status) {
    case 'ok':
      return { status: 'ok', count: content.execution_count };
    case 'error':
      return { status: 'error', ename: content.ename, evalue: content.evalue, count: content.execution_count };
    default:
      return { status: 'aborted' };
  }
}

/** The first error among a cell's outputs, which a run clears when it begins. */
function errorAmong(cell: CodeCell): { ename: string; evalue: string } | undefined {
  const error = cell.model.outputs.toJSON().find(output => output.output_type === 'error');
  return error && { ename: String(error.ename ?? ''), evalue: String(error.evalue ?? '') };
}

function now(): Moment {
  return { wall: Date.now(), steady: performance.now() };
}

function later(one: Moment, other: Moment): Moment {
  return one.steady >= other.steady ? one : other;
}
