/**
 * Learntrace for Classic Notebook 6 without the nbextension: the page's `custom/custom.js`, built into one file.
 *
 * It sends what the learner does to the page's own Jupyter server, as the nbextension does, but shows no indicator, only a
 * button that raises a hand, and records no added and removed cells. Where the nbextension is loaded too, that takes over.
 */
import Jupyter from 'base/js/namespace';
import { notebookOf } from '../classic/cells';
import { ClipboardTracker } from '../classic/clipboard';
import { DocumentTracker } from '../classic/document';
import { ExecutionTracker } from '../classic/execution';
import { KernelTracker } from '../classic/kernel';
import { contextOf, whenLoaded } from '../classic/page';
import { baseUrl, request } from '../classic/server';
import { Endpoint } from '../core/endpoint';
import { assignmentOf, type CapturedEvent } from '../core/events';
import { FocusTracker } from '../core/focus';
import { HandWatch } from '../core/hand';
import { Outbox } from '../core/outbox';
import { closeAll, SessionRecorder } from '../core/recorder';
import { readTags, warnMalformed } from '../core/tags';
import { showHand } from './hand';

/** The assignment tag of a cell as written ("assignment:lesson-03-exercise-1"); null without one. */
export function getAssignmentTag(cell: Classic.Cell): string | null {
  const { assignment, malformed } = readTags(cell.metadata?.tags);
  warnMalformed(malformed, Jupyter.notebook?.notebook_path ?? 'this page');
  return assignment;
}

/** Record this page's notebook into `outbox` until the page goes away or the nbextension takes over. */
function capture(outbox: Outbox, endpoint: Endpoint): Classic.Capture {
  let assignment: string | null = null;
  const add = (event: CapturedEvent): void => {
    assignment = assignmentOf(event) ?? assignment;
    outbox.add(event);
  };
  const recorder = new SessionRecorder(add, contextOf);
  const hideHand = showHand(new HandWatch(endpoint, () => assignment));
  const opening = new DocumentTracker(recorder);
  const focus = new FocusTracker(recorder, notebookOf);
  const execution = new ExecutionTracker(recorder);
  const others = [new ClipboardTracker(recorder), new KernelTracker(recorder)];
  const trackers = [opening, focus, execution, ...others];
  const connect = (): void => trackers.forEach(tracker => tracker.connect());
  // A page that the browser had only put aside.
  const resume = ({ persisted }: PageTransitionEvent): void => {
    if (persisted) {
      connect();
    }
  };
  const cancel = whenLoaded(connect);
  window.addEventListener('pageshow', resume);
  window.addEventListener('pagehide', () => closeAll(trackers));
  const release = (): Classic.Released => {
    const released = { session: recorder.sessionId, opened: opening.isOpen, focused: focus.hasFocus };
    cancel();
    hideHand();
    window.removeEventListener('pageshow', resume);
    [opening, focus, ...others].forEach(tracker => tracker.disconnect());
    execution.retire();
    return released;
  };
  return { by: 'custom.js', release };
}

function start(): void {
  const endpoint = new Endpoint(request, () => navigator.language);
  const outbox = new Outbox((events, leaving) => endpoint.post(events, leaving), baseUrl());
  // Jupyter loads the file into the dashboard and the text editor as well, and may load the nbextension first.
  if (document.body.classList.contains('notebook_app') && !Jupyter.learntrace) {
    Jupyter.learntrace = capture(outbox, endpoint);
  }
  // Behind the listener that closes the trackers: a page that goes away calls them in this order.
  window.addEventListener('pagehide', () => outbox.leave());
  outbox.start();
}

window.getAssignmentTag = getAssignmentTag;
start();
