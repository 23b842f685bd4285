/** The place of the indicator in the page: the menu bar, left of the kernel's. */
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

/** The page takes keys for commands of the notebook wherever they are pressed: Enter would edit a cell. */
function keepKey(event: KeyboardEvent): void {
  if (event.target instanceof Element && event.target.closest(OURS)) {
    event.stopPropagation();
  }
}
