/** One execution of a cell and its result. Times are performance.now() of the page, which is never set back. */
import { between } from '../core/duration';
import type { CellObject, Result } from '../core/events';

export interface Run {
  /** The id of the message that requested it. */
  id: string;
  cell: Classic.CodeCell;
  /** The cell as it was when the run was requested. */
  object: CellObject;
  asked: number;
  /** When the kernel began. */
  started?: number;
  ended?: number;
  /** Begin and end by the kernel's own clock. */
  startedDate?: string;
  endedDate?: string;
  reply?: Classic.ExecuteReply;
  /** Whether its outputs are complete. */
  idle: boolean;
  /** Whether its kernel is gone, so that only the next kernel may answer. */
  orphaned: boolean;
}

/** A reply is ok, error or aborted (queued behind an error); no reply means that the kernel is gone. */
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
 * When the run began. Without `busy` (the page drops the callbacks of a cell that is requested twice), that is the end of
 * the previous run; for a run that never began, the time of the request.
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
