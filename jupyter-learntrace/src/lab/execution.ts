/**
 * Executions, from their schedule to what the kernel replied.
 *
 * Lab's `executed` alone isn't enough: it stays silent where the kernel died, was restarted, or the same cell was run
 * again before it was done. So each run is followed by the id of its message: the kernel's `execute_input` says when it
 * began (Run All schedules all cells at once; what they wait for each other isn't their duration), its reply how it
 * ended. `executed` settles the runs of front ends that execute without such messages.
 */
import type { Cell } from '@jupyterlab/cells';
import { NotebookActions, type Notebook, type NotebookPanel } from '@jupyterlab/notebook';
import type { ISessionContext } from '@jupyterlab/apputils';
import type { Kernel, KernelMessage } from '@jupyterlab/services';
import { between } from '../core/duration';
import type { CellObject, Result } from '../core/events';
import type { Recorder, Tracker } from '../core/recorder';
import { cellOf, isCode, kernelOf } from './cells';

/** A moment by two clocks: the wall's, and one that is never set back. Both in milliseconds. */
interface Moment {
  wall: number;
  steady: number;
}

interface Run {
  cell: Cell;
  object: CellObject;
  /** Of the message to the kernel; null where there is none. */
  message: string | null;
  scheduled: Moment;
  began: Moment | null;
  /** When the kernel says that it began. */
  date?: string;
}

interface Ending {
  status: 'ok' | 'error' | 'aborted';
  ename?: string;
  evalue?: string;
  count?: number | null;
  /** When the kernel says that it ended. */
  date?: string;
}

/** Lab's arguments of `executed`; it exports no name for them. */
interface Executed {
  notebook: Notebook;
  cell: Cell;
  success: boolean;
  error?: { errorName?: string; errorValue?: string } | null;
}

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

  /** Nobody will see how the running cells end. */
  private abandon(): void {
    for (const run of [...this.runs]) {
      this.settle(run, { status: 'aborted' });
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
      // Lab sends the request in this same turn; we look when it is on its way.
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
    if (direction !== 'recv' || (type !== 'execute_input' && type !== 'execute_reply')) {
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
    } else {
      this.settle(run, { ...endingOf(msg as KernelMessage.IExecuteReplyMsg), date: msg.header.date });
    }
  };

  private readonly onExecuted = (_: unknown, { notebook, cell, success, error }: Executed): void => {
    // Runs end in their order, so that it is the oldest that is meant.
    const run = notebook === this.panel.content ? this.runs.find(one => one.cell === cell) : undefined;
    if (!run || !isCode(cell)) {
      return;
    }
    const count = cell.model.executionCount;
    if (success && run.message === null && count === null) {
      // An empty cell, or no kernel: nothing was executed.
      this.runs = this.runs.filter(one => one !== run);
    } else if (success) {
      this.settle(run, { status: 'ok', count });
    } else if (error?.errorName) {
      this.settle(run, { status: 'error', ename: error.errorName, evalue: error.errorValue, count });
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

  private settle(run: Run, ending: Ending): void {
    this.runs = this.runs.filter(one => one !== run);
    const end = now();
    // A kernel that doesn't say when it began did so when it was free.
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

function now(): Moment {
  return { wall: Date.now(), steady: performance.now() };
}

function later(one: Moment, other: Moment): Moment {
  return one.steady >= other.steady ? one : other;
}
