/** Follows one open notebook with a tracker a concern, from when it is there until its panel is closed. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { Collection } from '../core/collection';
import type { Context } from '../core/events';
import { SessionRecorder } from '../core/recorder';
import { kernelOf } from './cells';
import { ClipboardTracker } from './clipboard';
import { CellsTracker, DocumentTracker } from './document';
import { ExecutionTracker } from './execution';
import { PanelFocusTracker } from './focus';
import { KernelTracker } from './kernel';

/** The name that Notebook 7 gives itself. */
const NOTEBOOK = 'Jupyter Notebook';

export async function capture(
  app: JupyterFrontEnd,
  notebooks: INotebookTracker,
  panel: NotebookPanel,
  collection: Collection
): Promise<void> {
  // Its cells are no additions while they are being loaded.
  await panel.context.ready;
  if (panel.isDisposed) {
    return;
  }
  const recorder = new SessionRecorder(collection.add, () => contextOf(app, panel));
  // Several panels may show one document, each with the same signals: the one in use tells, or else the first.
  const isSpeaker = (): boolean => {
    const shows = (other: NotebookPanel | null | undefined): boolean => other?.context === panel.context;
    const { currentWidget: current } = notebooks;
    return (shows(current) ? current : notebooks.find(shows)) === panel;
  };
  const release = collection.follow([
    new DocumentTracker(panel, recorder, isSpeaker),
    new PanelFocusTracker(panel, recorder, app.shell),
    new CellsTracker(panel, recorder, isSpeaker),
    new ClipboardTracker(panel, recorder),
    new KernelTracker(panel, recorder, isSpeaker, notebooks, app.commands),
    new ExecutionTracker(panel, recorder)
  ]);
  panel.disposed.connect(release);
}

function contextOf(app: JupyterFrontEnd, panel: NotebookPanel): Context {
  const context: Context = { frontend: app.name === NOTEBOOK ? 'notebook' : 'lab', version: app.version };
  const kernel = kernelOf(panel)?.name;
  return kernel ? { ...context, kernel } : context;
}
