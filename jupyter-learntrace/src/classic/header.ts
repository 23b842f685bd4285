/** Puts the indicator into the menu bar, beside the kernel's. */
import { baseUrl } from './server';

const OURS = '.learntrace-Indicator, .learntrace-Panel';

export function showIndicator(indicator: HTMLElement): void {
  const style = document.createElement('link');
  style.rel = 'stylesheet';
  style.href = `${baseUrl()}nbextensions/jupyter-learntrace/indicator.css`;
  document.head.append(style);
  const place = document.createElement('div');
  place.className = 'learntrace-Header pull-right';
  place.append(indicator);
  document.getElementById('kernel_indicator')?.after(place);
  document.body.addEventListener('keydown', keepKey);
}

/** Keep the page from taking keys in the indicator for commands: Enter would edit a cell. */
function keepKey(event: KeyboardEvent): void {
  if (event.target instanceof Element && event.target.closest(OURS)) {
    event.stopPropagation();
  }
}
