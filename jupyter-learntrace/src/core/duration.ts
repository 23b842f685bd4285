/**
 * Milliseconds between two messages by the dates that their kernel gave them; null where these don't tell.
 *
 * The kernel's clock has none of the page's delays: messages wait while the page is busy, so that two that were sent far
 * apart may arrive together.
 */
export function between(began: string | undefined, ended: string | undefined): number | null {
  const milliseconds = Date.parse(ended ?? '') - Date.parse(began ?? '');
  // Negative if the clock was set back meanwhile.
  return milliseconds >= 0 ? Math.round(milliseconds) : null;
}
