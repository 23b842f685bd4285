/** The rules of assignment tags, as jupyter_learntrace/tags.py has them. */
import type { CellObject } from './events';

export const PREFIX = 'assignment:';
/** Of a check cell's tag, which names the assignment that it checks. */
export const CHECK_PREFIX = 'check:';

const KEBAB = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;

export interface CellTags {
  /** The first tag that names an assignment, as written; of a check cell the assignment that it checks. */
  assignment: string | null;
  /** Whether it is a check cell. A cell that is tagged as an assignment too is worked on. */
  check: boolean;
  /** All of them. */
  tags: string[];
  /** Those with a prefix that aren't in kebab-case behind it. */
  malformed: string[];
}

/** Read a cell's `metadata.tags`, of whatever type; entries that are not strings are ignored. */
export function readTags(tags: unknown): CellTags {
  const written = Array.isArray(tags) ? tags.filter((tag): tag is string => typeof tag === 'string') : [];
  const work = written.find(tag => tag.startsWith(PREFIX) && tag.length > PREFIX.length);
  const check = written.find(tag => tag.startsWith(CHECK_PREFIX) && tag.length > CHECK_PREFIX.length);
  const checked = check === undefined ? null : PREFIX + check.slice(CHECK_PREFIX.length);
  return {
    assignment: work ?? checked,
    check: work === undefined && checked !== null,
    tags: written,
    malformed: [PREFIX, CHECK_PREFIX].flatMap(prefix =>
      written.filter(tag => tag.startsWith(prefix) && !KEBAB.test(tag.slice(prefix.length)))
    )
  };
}

const warned = new Set<string>();

/** Warn the author of malformed tags in the browser's console, once per tag. */
export function warnMalformed(malformed: readonly string[], notebook: string): void {
  for (const tag of malformed) {
    if (!warned.has(tag)) {
      warned.add(tag);
      console.warn(
        `Learntrace: the tag "${tag}" in ${notebook} should be "${PREFIX}" (or "${CHECK_PREFIX}") and then lower-case ` +
          'letters and digits in words joined by single hyphens, as in "assignment:lesson-03-exercise-1".'
      );
    }
  }
}

/** Make the object of a cell's event; `source` goes with `executed` only. */
export function cellObject(id: string, notebook: string, tags: unknown, source?: string): CellObject {
  const read = readTags(tags);
  warnMalformed(read.malformed, notebook);
  const object: CellObject = { type: 'cell', id, notebook, tags: read.tags };
  if (read.assignment !== null) {
    object.assignment = read.assignment;
  }
  if (read.check) {
    object.part = 'check';
  }
  if (source !== undefined) {
    object.source = source;
  }
  return object;
}
