/** One execution of a cell in JupyterLab or Notebook 7, as far as the kernel and the front end have told of it. */
import type { Cell } from '@jupyterlab/cells';
import type { Notebook } from '@jupyterlab/notebook';
import type { KernelMessage } from '@jupyterlab/services';
import type { CellObject } from '../core/events';
import { isCode } from './cells';

/** A moment by two clocks, wall time and one that is never set back, both in milliseconds. */
export interface Moment {
  wall: number;
  steady: number;
}

export interface Run {
  cell: Cell;
  object: CellObject;
  /** The id of the message to the kernel; null where there is none, or none is known yet. */
  message: string | null;
  /** Whether somebody else sends the message. */
  remote: boolean;
  scheduled: Moment;
  began: Moment | null;
  /** Begin by the kernel's own clock. */
  date?: string;
  count?: number | null;
  /** The first error among its outputs. */
  error?: { ename: string; evalue: string };
  /** Whether the next output replaces all that are there. */
  clearing?: boolean;
  /** The kernel's reply. */
  reply?: Ending;
  /** When the kernel, or the front end, told that it ended; and by the kernel's own clock. */
  ended?: Moment;
  endDate?: string;
  /** Whether its outputs are complete. */
  idle?: boolean;
  /** What `executed` told of it. */
  told?: { success: boolean; error?: Executed['error'] };
}

export interface Ending {
  status: 'ok' | 'error' | 'aborted';
  ename?: string;
  evalue?: string;
  count?: number | null;
}

/** Lab's arguments of `executed`; it exports no name for them. */
export interface Executed {
  notebook: Notebook;
  cell: Cell;
  success: boolean;
  error?: { errorName?: string; errorValue?: string } | null;
}

export function endingOf(reply: KernelMessage.IExecuteReplyMsg): Ending {
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

/** Note an output of a run, or that its outputs are cleared: now, or by the next one. */
export function put(run: Run, msg: KernelMessage.IMessage): void {
  const clears = msg.header.msg_type === 'clear_output';
  const waits = clears && (msg as KernelMessage.IClearOutputMsg).content.wait;
  if (run.clearing || (clears && !waits)) {
    run.error = undefined;
  }
  run.clearing = waits;
  if (msg.header.msg_type === 'error') {
    run.error ??= (msg as KernelMessage.IErrorMsg).content;
  }
}

/** The first error among a cell's outputs, which a run clears when it begins. */
export function errorAmong(cell: Cell): { ename: string; evalue: string } | undefined {
  const outputs = isCode(cell) && !cell.isDisposed ? cell.model.outputs.toJSON() : [];
  const error = outputs.find(output => output.output_type === 'error');
  return error && { ename: String(error.ename ?? ''), evalue: String(error.evalue ?? '') };
}

export function now(): Moment {
  return { wall: Date.now(), steady: performance.now() };
}

export function later(one: Moment, other: Moment): Moment {
  return one.steady >= other.steady ? one : other;
}
