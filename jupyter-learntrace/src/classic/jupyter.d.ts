/**
 * The few parts of Classic Notebook 6 that are used here. They are AMD modules, which the page's require.js finds; no
 * package declares their types.
 */
declare namespace Classic {
  interface Output {
    output_type: string;
    ename?: string;
    evalue?: string;
  }

  interface Message<Content> {
    content: Content;
    header: { date?: string };
    parent_header: { msg_id?: string };
  }

  /** What a kernel answers to an execution; the count is missing where it was aborted. */
  interface ExecuteReply {
    status: string;
    ename?: string;
    evalue?: string;
    execution_count?: number | null;
  }

  interface Callbacks {
    iopub?: { status?: (message: Message<{ execution_state: string }>) => void };
  }

  interface Kernel {
    name: string;
    get_callbacks_for_msg(id: string): Callbacks | undefined;
    kernel_info(callback: () => void): void;
    get_info(success: null, error: (xhr: { status: number }) => void): void;
  }

  interface Cell {
    cell_type: string;
    /** Since Notebook 6.5; made for the session where the file has none. */
    id?: string;
    metadata?: { tags?: unknown };
    element: ArrayLike<HTMLElement>;
    get_text(): string;
  }

  interface CodeCell extends Cell {
    kernel: Kernel;
    last_msg_id: string | null;
    output_area: { outputs: Output[] };
  }

  interface Notebook {
    notebook_path: string;
    kernel: Kernel | null;
    metadata: { kernelspec?: { name?: string } };
    /** Not public, but there is no other way to tell whether `notebook_loaded` is over. */
    _fully_loaded: boolean;
    get_cells(): Cell[];
  }

  /** How far the stand-alone custom.js has recorded: the session's id, and whether the notebook is open and focused. */
  interface Released {
    session: string;
    opened: boolean;
    focused: boolean;
  }

  /** Which script captures on this page. The stand-alone custom.js can be released; its session goes on. */
  interface Capture {
    by: string;
    release?: () => Released;
  }

  interface Page {
    version: string;
    notebook?: Notebook;
    learntrace?: Capture;
  }

  /** jQuery's, on one object for the whole page: names are `event.Source`, several with blanks between. */
  interface Events {
    on(names: string, handler: (event: unknown, payload: never) => void): void;
    off(names: string, handler: (event: unknown, payload: never) => void): void;
  }
}

declare module 'base/js/namespace' {
  const page: Classic.Page;
  export default page;
}

declare module 'base/js/events' {
  const events: Classic.Events;
  export default events;
}

interface Window {
  /** Written by the notebook's page; Jupyter.version is nbclassic's, which draws it. */
  sys_info?: { notebook_version?: string };
  /** The stand-alone custom.js offers it to scripts of the course. */
  getAssignmentTag?: (cell: Classic.Cell) => string | null;
}
