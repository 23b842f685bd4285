/** Learntrace in Classic Notebook 6: what the page loads as `nbextensions/jupyter-learntrace/main`. */
import events from 'base/js/events';
import Jupyter from 'base/js/namespace';
import { Collection } from '../core/collection';
import { makeEvent, uuid, type Context } from '../core/events';
import { FocusTracker } from '../core/focus';
import type { Recorder } from '../core/recorder';
import { notebookOf } from './cells';
import { ClipboardTracker } from './clipboard';
import { CellsTracker, DocumentTracker } from './document';
import { ExecutionTracker } from './execution';
import { showIndicator } from './header';
import { KernelTracker } from './kernel';
import { baseUrl, request } from './server';

function context(): Context {
  const { kernel, metadata } = Jupyter.notebook ?? {};
  return {
    frontend: 'classic',
    // Jupyter.version is nbclassic's, which draws the page of Notebook 6.5.
    version: window.sys_info?.notebook_version ?? Jupyter.version,
    kernel: kernel?.name ?? metadata?.kernelspec?.name
  };
}

/** Called once a page by Jupyter, before or after the notebook is loaded. */
export function load_ipython_extension(): void {
  if (Jupyter.notebook?._fully_loaded) {
    capture();
  } else if (Jupyter.notebook) {
    events.on('notebook_loaded.Notebook', loaded);
  }
}

function loaded(): void {
  events.off('notebook_loaded.Notebook', loaded);
  capture();
}

function capture(): void {
  // The stand-alone custom.js may have been first: it tells less, so we go on where it stops.
  const earlier = Jupyter.learntrace?.release?.();
  Jupyter.learntrace = { by: 'jupyter-learntrace' };
  const session = earlier?.session ?? uuid();
  const collection = new Collection(request, baseUrl());
  const recorder: Recorder = {
    record: (verb, object, result, at) => collection.add(makeEvent(verb, object, result, session, context(), at))
  };
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
  // Before the collection starts, whose own listener sends what there is: a page that goes calls them in this order.
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
