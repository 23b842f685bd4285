/** Records that the loaded notebook is opened, saved and closed, and that code cells are added and removed. */
import type { Recorder, Tracker } from '../core/recorder';
import { cellOf, notebook, notebookOf } from './cells';
import { Signals } from './signals';

export class DocumentTracker implements Tracker {
  private readonly signals = new Signals({
    'notebook_saved.Notebook': () => this.recorder.record('saved', notebookOf())
  });

  /** `opened`: whether that has been recorded already. */
  constructor(
    private readonly recorder: Recorder,
    private opened = false
  ) {}

  /** Whether the notebook is recorded as open. */
  get isOpen(): boolean {
    return this.opened;
  }

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

/** Classic keeps a cell that is moved, and replaces one whose type changes. */
export class CellsTracker implements Tracker {
  private known = new Set<Classic.Cell>();
  private loading = false;
  private comparing = false;

  private readonly signals = new Signals({
    'create.Cell delete.Cell': () => this.changed(),
    // Reverting to a checkpoint creates all cells anew.
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

  /** Compare later, as a cell gets its content, tags and id right after its creation. */
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
