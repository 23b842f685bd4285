/** The extension for JupyterLab 4 and Notebook 7. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ServerConnection } from '@jupyterlab/services';
import { Widget } from '@lumino/widgets';
import { Collection } from '../core/collection';
import type { Request } from '../core/endpoint';
import { capture } from './capture';

/** Behind what the front ends have at their top. */
const RANK = 1000;

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-learntrace:plugin',
  description: 'Sends learning telemetry of notebooks to the Jupyter server, and shows what is sent.',
  autoStart: true,
  requires: [INotebookTracker],
  activate: (app: JupyterFrontEnd, notebooks: INotebookTracker): void => {
    const { serverSettings: settings } = app.serviceManager;
    const request: Request = (path, init) => ServerConnection.makeRequest(settings.baseUrl + path, init, settings);
    const collection = new Collection(request, new URL(settings.baseUrl).pathname);
    const indicator = new Widget({ node: collection.indicator.node });
    indicator.id = 'learntrace-indicator';
    app.shell.add(indicator, 'top', { rank: RANK });
    notebooks.forEach(panel => void capture(app, notebooks, panel, collection));
    notebooks.widgetAdded.connect((_, panel) => void capture(app, notebooks, panel, collection));
    collection.start();
  }
};

export default plugin;
