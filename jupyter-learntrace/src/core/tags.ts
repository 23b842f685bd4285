/** The rules of assignment tags, as jupyter_learntrace/tags.py has them. */
import type { CellObject } from './events';

export const PREFIX = 'assignment:';

const KEBAB = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;

export interface CellTags {
  /** The first tag that names an assignment, as written. */
  assignment: string | null;
  /** All of them. */
  tags: string[];
  /** Those that begin as an assignment does and aren't in kebab-case behind it. */
  malformed: string[];
}

/** Read a cell's `metadata.tags`, whatever stands there; what is no text is no tag. */
export function readTags(tags: unknown): CellTags {
  const written = Array.isArray(tags) ? tags.filter((tag): tag is string => typeof tag === 'string') : [];
  const assignments = written.filter(tag => tag.startsWith(PREFIX));
  return {
    assignment: assignments.find(tag => tag.length > PREFIX.length) ?? null,
    tags: written,
    malformed: assignments.filter(tag => !KEBAB.test(tag.slice(PREFIX.length)))
  };
}

const warned = new Set<string>();

/** Tell the author, in the browser's console and once a tag, what a tag should look like. */
export function warnMalformed(malformed: readonly string[], notebook: string): void {
  for (const tag of malformed) {
    if (!warned.has(tag)) {
      warned.add(tag);
      console.warn(
        `Learntrace: the tag "${tag}" in ${notebook} should be "${PREFIX}" and then lower-case letters and digits ` +
          'in words joined by single hyphens, as in "assignment:lesson-03-exercise-1".'
      );
    }
  }
}

/** A cell as events name it; `source` goes with `executed` only. */
export function cellObject(id: string, notebook: string, tags: unknown, source?: string): CellObject {
  const read = readTags(tags);
  warnMalformed(read.malformed, notebook);
  const object: CellObject = { type: 'cell', id, notebook, tags: read.tags };
  if (read.assignment !== null) {
    object.assignment = read.assignment;
  }
  if (source !== undefined) {
    object.source = source;
  }
  return object;
}
