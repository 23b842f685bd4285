/** Describes Lab's cells and notebooks for events. */
import type { Cell, CodeCell, ICellModel } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { Kernel } from '@jupyterlab/services';
import type { CellObject, NotebookObject } from '../core/events';
import { cellObject } from '../core/tags';

/** The path as the Jupyter server names it, without the drive that Lab may put before it. */
export function pathOf(panel: NotebookPanel): string {
  return panel.context.localPath;
}

export function notebookOf(panel: NotebookPanel): NotebookObject {
  return { type: 'notebook', notebook: pathOf(panel) };
}

export function cellOf(panel: NotebookPanel, model: ICellModel, withSource = false): CellObject {
  const source = withSource ? model.sharedModel.getSource() : undefined;
  return cellObject(model.id, pathOf(panel), model.getMetadata('tags'), source);
}

/** By its type's name: an `instanceof` would need Lab's classes of exactly this version. */
export function isCode(cell: Cell): cell is CodeCell {
  return cell.model.type === 'code';
}

export function kernelOf(panel: NotebookPanel): Kernel.IKernelConnection | null {
  return panel.sessionContext.session?.kernel ?? null;
}
