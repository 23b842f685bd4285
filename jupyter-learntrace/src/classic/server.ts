/** The Jupyter server that the page came from. */
import type { Request } from '../core/endpoint';

/** With its slashes: `/`, or `/user/ada/` under a hub. */
export function baseUrl(): string {
  return decodeURIComponent(document.body.dataset.baseUrl ?? '/');
}

/** As the page's own requests: its cookie for the login, and against XSRF what only its scripts can read. */
export const request: Request = (path, init) => {
  const headers = new Headers(init.headers);
  const xsrf = /\b_xsrf=([^;]*)\b/.exec(document.cookie);
  if (xsrf) {
    headers.set('X-XSRFToken', xsrf[1]);
  }
  return fetch(baseUrl() + path, { ...init, headers, credentials: 'same-origin' });
};
