/** The notebook as a document: opened, closed, saved, and its cells that come and go. */
import type { ICellModel } from '@jupyterlab/cells';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { CellObject } from '../core/events';
import type { Recorder, Tracker } from '../core/recorder';
import { cellOf, notebookOf } from './cells';

export class DocumentTracker implements Tracker {
  private connected = false;

  /** `isSpeaker`: whether this panel is the one that tells what happens to a document that several panels show. */
  constructor(
    private readonly panel: NotebookPanel,
    private readonly recorder: Recorder,
    private readonly isSpeaker: () => boolean
  ) {}

  connect(): void {
    if (!this.connected) {
      this.connected = true;
      this.panel.context.saveState.connect(this.onSave);
      this.recorder.record('opened', notebookOf(this.panel));
    }
  }

  disconnect(): void {
    if (this.connected) {
      this.connected = false;
      this.panel.context.saveState.disconnect(this.onSave);
    }
  }

  /** The panel was closed, or its page is going away. */
  close(): void {
    if (this.connected) {
      this.recorder.record('closed', notebookOf(this.panel));
    }
    this.disconnect();
  }

  private readonly onSave = (_: unknown, state: DocumentRegistry.SaveState): void => {
    if (state === 'completed' && this.isSpeaker()) {
      this.recorder.record('saved', notebookOf(this.panel));
    }
  };
}

/**
 * Code cells that were added or removed. Lab tells a moved cell, one whose type changed and a reverted notebook as
 * removals and additions: so the cells are compared when all is done, by their ids.
 */
export class CellsTracker implements Tracker {
  private connected = false;
  private comparing = false;
  private known = new Map<string, CellObject>();

  constructor(
    private readonly panel: NotebookPanel,
    private readonly recorder: Recorder,
    private readonly isSpeaker: () => boolean
  ) {}

  connect(): void {
    if (!this.connected) {
      this.connected = true;
      this.known = this.read();
      this.panel.context.model.cells.changed.connect(this.onChange);
    }
  }

  disconnect(): void {
    if (this.connected) {
      this.connected = false;
      this.panel.context.model?.cells.changed.disconnect(this.onChange);
    }
  }

  private readonly onChange = (): void => {
    if (!this.comparing) {
      this.comparing = true;
      window.setTimeout(this.compare, 0);
    }
  };

  private readonly compare = (): void => {
    this.comparing = false;
    if (!this.connected) {
      return;
    }
    const before = this.known;
    this.known = this.read();
    if (this.isSpeaker()) {
      before.forEach((cell, id) => this.known.has(id) || this.recorder.record('removed', cell));
      this.known.forEach((cell, id) => before.has(id) || this.recorder.record('added', cell));
    }
  };

  private read(): Map<string, CellObject> {
    const cells = new Map<string, CellObject>();
    const { cells: list } = this.panel.context.model;
    for (let index = 0; index < list.length; index++) {
      const model: ICellModel = list.get(index);
      if (model.type === 'code') {
        cells.set(model.id, cellOf(this.panel, model));
      }
    }
    return cells;
  }
}
