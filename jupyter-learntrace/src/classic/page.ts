/** The page that Classic Notebook shows a notebook in. */
import events from 'base/js/events';
import Jupyter from 'base/js/namespace';
import type { Context } from '../core/events';

const LOADED = 'notebook_loaded.Notebook';

/** What every event of this page says about it. */
export function contextOf(): Context {
  const { kernel, metadata } = Jupyter.notebook ?? {};
  return {
    frontend: 'classic',
    // Jupyter.version is nbclassic's, which draws the page of Notebook 6.5.
    version: window.sys_info?.notebook_version ?? Jupyter.version,
    kernel: kernel?.name ?? metadata?.kernelspec?.name
  };
}

/** Call `callback` once, when the notebook is loaded or now if it is. Returns a function that cancels the call. */
export function whenLoaded(callback: () => void): () => void {
  let waiting = true;
  const cancel = (): void => {
    waiting = false;
    events.off(LOADED, loaded);
  };
  // jQuery still calls a handler that another handler of the same signal has removed.
  const loaded = (): void => {
    if (waiting) {
      cancel();
      callback();
    }
  };
  if (Jupyter.notebook?._fully_loaded) {
    loaded();
  } else {
    events.on(LOADED, loaded);
  }
  return cancel;
}
