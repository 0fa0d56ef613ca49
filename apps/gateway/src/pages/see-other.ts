import type { ServerResponse } from 'node:http';

/** Answers 303: what was asked for is, or will be, at another address of the same host. */
export function sendSeeOther(response: ServerResponse, to: { host: string; target: string }): void {
  if (response.headersSent || response.destroyed) return;
  // The host goes with it: a target that starts with two slashes would be another one.
  const location = `https://${to.host}${to.target}`;
  const headers = ['location', location, 'cache-control', 'no-store', 'access-control-allow-origin', '*'];
  response.writeHead(303, [...headers, 'content-length', '0']);
  response.end();
}
