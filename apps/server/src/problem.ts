import { GantryError, type ProblemDetails, toWireError } from '@gantry/protocol';

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  410: 'Gone',
  413: 'Content Too Large',
  422: 'Unprocessable Content',
  426: 'Upgrade Required',
  429: 'Too Many Requests',
  499: 'Client Closed Request',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** Problem details for anything thrown. What is no `GantryError` is told without its message. */
export function problemOf(error: unknown): ProblemDetails {
  const wire = toWireError(error);
  const status = error instanceof GantryError ? error.httpStatus : 500;
  return { type: 'about:blank', title: TITLES[status] ?? 'Error', status, ...wire };
}

/** The HTTP answer for anything thrown. */
export function problemResponse(error: unknown): Response {
  const problem = problemOf(error);
  const headers: Record<string, string> = { 'content-type': 'application/problem+json' };
  if (problem.status === 401) headers['www-authenticate'] = 'Bearer';
  if (problem.status === 429) headers['retry-after'] = '1';
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}
