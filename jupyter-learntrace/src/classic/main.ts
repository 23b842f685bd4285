/** The nbextension for Classic Notebook 6, which the page loads as `nbextensions/jupyter-learntrace/main`. */
import Jupyter from 'base/js/namespace';
import { Collection } from '../core/collection';
import { FocusTracker } from '../core/focus';
import { SessionRecorder } from '../core/recorder';
import { notebookOf } from './cells';
import { ClipboardTracker } from './clipboard';
import { CellsTracker, DocumentTracker } from './document';
import { ExecutionTracker } from './execution';
import { showIndicator } from './header';
import { KernelTracker } from './kernel';
import { contextOf, whenLoaded } from './page';
import { baseUrl, request } from './server';

/** Called by Jupyter once per page, before or after the notebook is loaded. */
export function load_ipython_extension(): void {
  whenLoaded(capture);
}

function capture(): void {
  // The stand-alone custom.js may have been first. It records less, so continue where it stops.
  const earlier = Jupyter.learntrace?.release?.();
  Jupyter.learntrace = { by: 'jupyter-learntrace' };
  const collection = new Collection(request, baseUrl());
  const recorder = new SessionRecorder(collection.add, contextOf, earlier?.session);
  const opening = new DocumentTracker(recorder, earlier?.opened);
  const focus = new FocusTracker(recorder, notebookOf, undefined, earlier?.focused);
  const execution = new ExecutionTracker(recorder);
  const trackers = [
    opening,
    focus,
    execution,
    new CellsTracker(recorder),
    new ClipboardTracker(recorder),
    new KernelTracker(recorder)
  ];
  let release = collection.follow(trackers);
  showIndicator(collection.indicator.node);
  // Registered before the collection's own listener, which sends what is recorded here.
  window.addEventListener('pagehide', () => {
    execution.close();
    focus.close();
    opening.close();
    release();
  });
  // A page that the browser had only put aside.
  window.addEventListener('pageshow', ({ persisted }) => {
    if (persisted) {
      release = collection.follow(trackers);
    }
  });
  collection.start();
}
