/**
 * Milliseconds between two messages by the dates that their kernel gave them; null where that can't be told.
 *
 * One clock for both ends, and none of the page's delays: a message may wait for the page to have time, so that two that
 * left far apart arrive together.
 */
export function between(began: string | undefined, ended: string | undefined): number | null {
  const milliseconds = Date.parse(ended ?? '') - Date.parse(began ?? '');
  // Less than nothing: the clock was set back meanwhile.
  return milliseconds >= 0 ? Math.round(milliseconds) : null;
}
