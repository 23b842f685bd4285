/**
 * One execution of a cell, and what can be said of it at its end. Times are the page's own (performance.now()), which
 * are never set back.
 */
import { between } from '../core/duration';
import type { CellObject, Result } from '../core/events';

export interface Run {
  /** Of the message that asked for it. */
  id: string;
  cell: Classic.CodeCell;
  /** The cell as it was when it was asked for. */
  object: CellObject;
  asked: number;
  /** When the kernel began with it. */
  started?: number;
  ended?: number;
  /** When the kernel says that it began and ended. */
  startedDate?: string;
  endedDate?: string;
  reply?: Classic.ExecuteReply;
  /** Whether its outputs are complete. */
  idle: boolean;
  /** Whether its kernel has gone, and only the next one could still answer. */
  orphaned: boolean;
}

/** The reply tells aborted (queued behind an error) from ok; no reply means that the kernel went. */
export function resultOf(run: Run, now: number, lastEnd: number): Result {
  const { reply } = run;
  const seen = Math.max(0, Math.round((run.ended ?? now) - startOf(run, lastEnd)));
  const duration_ms = ran(run) ? (between(run.startedDate, run.endedDate) ?? seen) : 0;
  const count = reply?.execution_count;
  const counted = typeof count === 'number' ? { execution_count: count } : {};
  const error = errorOf(run);
  if (error) {
    const { ename, evalue } = error;
    return { outcome: 'error', error_name: ename ?? '', error_value: evalue ?? '', duration_ms, ...counted };
  }
  return { outcome: reply?.status === 'ok' ? 'ok' : 'aborted', duration_ms, ...counted };
}

/**
 * When it began. A kernel that said no `busy` for it (the page forgets whom to tell when a cell is asked for twice)
 * began when the run before was over; one that never began has only the moment of asking.
 */
export function startOf(run: Run, lastEnd: number): number {
  return run.started ?? Math.max(run.asked, ran(run) ? lastEnd : 0);
}

/** Kernels say busy also for what they only abort. */
function ran({ started, reply }: Run): boolean {
  return reply === undefined ? started !== undefined : reply.status !== 'aborted';
}

/** A traceback among the outputs is an error to the learner, even where the kernel replies ok. */
function errorOf({ id, cell, reply }: Run): { ename?: string; evalue?: string } | undefined {
  if (reply?.status === 'error') {
    return reply;
  }
  // Outputs belong to the newest message of their cell.
  const outputs = reply?.status === 'ok' && cell.last_msg_id === id ? cell.output_area.outputs : [];
  return outputs.find(output => output.output_type === 'error');
}
