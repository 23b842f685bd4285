/** The notebook as a document, once it is loaded: opened, saved, closed, and which code cells came and went. */
import type { Recorder, Tracker } from '../core/recorder';
import { cellOf, notebook, notebookOf } from './cells';
import { Signals } from './signals';

export class DocumentTracker implements Tracker {
  private readonly signals = new Signals({
    'notebook_saved.Notebook': () => this.recorder.record('saved', notebookOf())
  });

  /** `opened` is whether that has been recorded. */
  constructor(
    private readonly recorder: Recorder,
    private opened = false
  ) {}

  connect(): void {
    if (this.signals.connect() && !this.opened) {
      this.opened = true;
      this.recorder.record('opened', notebookOf());
    }
  }

  disconnect(): void {
    if (this.signals.disconnect()) {
      this.opened = false;
    }
  }

  /** The page is going away. */
  close(): void {
    if (this.opened) {
      this.recorder.record('closed', notebookOf());
    }
    this.disconnect();
  }
}

/** Cells that are moved stay the same to Classic; one whose type changes is made anew, and the old one just goes. */
export class CellsTracker implements Tracker {
  private known = new Set<Classic.Cell>();
  private loading = false;
  private comparing = false;

  private readonly signals = new Signals({
    'create.Cell delete.Cell': () => this.changed(),
    // Going back to a checkpoint makes all cells anew.
    'notebook_loading.Notebook': () => {
      this.loading = true;
    },
    'notebook_loaded.Notebook': () => {
      this.loading = false;
      this.known = codeCells();
    }
  });

  constructor(private readonly recorder: Recorder) {}

  connect(): void {
    if (this.signals.connect()) {
      this.known = codeCells();
    }
  }

  disconnect(): void {
    this.signals.disconnect();
  }

  /** A cell gets its content, tags and id right after it was created: look when that is over. */
  private changed(): void {
    if (!this.comparing) {
      this.comparing = true;
      queueMicrotask(() => this.compare());
    }
  }

  private compare(): void {
    this.comparing = false;
    if (this.loading || !this.signals.connected) {
      return;
    }
    const before = this.known;
    this.known = codeCells();
    before.forEach(cell => this.known.has(cell) || this.recorder.record('removed', cellOf(cell)));
    this.known.forEach(cell => before.has(cell) || this.recorder.record('added', cellOf(cell)));
  }
}

function codeCells(): Set<Classic.Cell> {
  return new Set(
    notebook()
      .get_cells()
      .filter(cell => cell.cell_type === 'code')
  );
}
