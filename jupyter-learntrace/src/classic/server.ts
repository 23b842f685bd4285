/** Requests to the page's own Jupyter server. */
import type { Request } from '../core/endpoint';

/** With its slashes: `/`, or `/user/ada/` under a hub. */
export function baseUrl(): string {
  return decodeURIComponent(document.body.dataset.baseUrl ?? '/');
}

/** Send a request like the page's own: with its login cookie and its XSRF token. */
export const request: Request = (path, init) => {
  const headers = new Headers(init.headers);
  const xsrf = /\b_xsrf=([^;]*)\b/.exec(document.cookie);
  if (xsrf) {
    headers.set('X-XSRFToken', xsrf[1]);
  }
  return fetch(baseUrl() + path, { ...init, headers, credentials: 'same-origin' });
};
