/** Describes cells and the notebook for events. */
import Jupyter from 'base/js/namespace';
import { uuid, type CellObject, type NotebookObject } from '../core/events';
import { cellObject } from '../core/tags';

/** Notebook before 6.5 gives cells no id. These last for the session and stay with a cell that is moved. */
const sessionIds = new WeakMap<Classic.Cell, string>();

/** The notebook of this page; there is one from the moment its first signal is fired. */
export function notebook(): Classic.Notebook {
  if (!Jupyter.notebook) {
    throw new Error('This page shows no notebook.');
  }
  return Jupyter.notebook;
}

/** Read at the moment of the event: a notebook may be renamed while it is open. */
export function notebookOf(): NotebookObject {
  return { type: 'notebook', notebook: notebook().notebook_path };
}

/** The cell with its tags as they are now. */
export function cellOf(cell: Classic.Cell, withSource = false): CellObject {
  const source = withSource ? cell.get_text() : undefined;
  return cellObject(cell.id || sessionId(cell), notebook().notebook_path, cell.metadata?.tags, source);
}

function sessionId(cell: Classic.Cell): string {
  const known = sessionIds.get(cell) ?? uuid();
  sessionIds.set(cell, known);
  return known;
}
