import { GantryError } from '@gantry/protocol';

/** The half of a session that scripts of the dashboard show; other sites can neither read nor send it. */
export const SESSION_KEY_HEADER = 'gantry-session-key';
const COOKIE = 'gantry-session';

const APP = '/v1/apps/[^/]+';

/** What a signed in browser may ask for: it looks, and does what people do to apps there. Never secrets, tokens, files or code. */
const ALLOWED: readonly RegExp[] = [
  /^GET \/v1\/(hello|environments|apps|containers)$/,
  new RegExp(`^GET ${APP}(/(logs|functions|deployments|schedules))?$`),
  /^GET \/v1\/containers\/[^/]+\/logs$/,
  new RegExp(`^POST ${APP}/(stop|rollback|functions/[^/]+/run)$`),
  /^DELETE \/v1\/browser\/session$/,
];

/** What the requests of a browser carry. */
export interface BrowserCredentials {
  cookie: string;
  key: string;
}

/** The secrets of a session, if a request has both. */
export function credentialsOf(headers: Headers): BrowserCredentials | undefined {
  const cookie = readCookie(headers);
  const key = headers.get(SESSION_KEY_HEADER);
  return cookie !== undefined && key !== null ? { cookie, key } : undefined;
}

export function readCookie(headers: Headers): string | undefined {
  const pairs = (headers.get('cookie') ?? '').split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1);
}

/** The `Set-Cookie` of a session; without a value it removes it. */
export function cookieHeader(headers: Headers, session?: { cookie: string; expiresAtMs: number }): string {
  const lastsS = session ? Math.max(0, Math.floor((session.expiresAtMs - Date.now()) / 1_000)) : 0;
  // Behind a proxy that terminates TLS, the cookie must never go without.
  const secure = headers.get('x-forwarded-proto') === 'https' ? '; Secure' : '';
  return `${COOKIE}=${session?.cookie ?? ''}; Path=/v1; Max-Age=${lastsS}; HttpOnly; SameSite=Strict${secure}`;
}

/** @throws GantryError `PERMISSION_DENIED` if the request came from a page of another origin, also one of the same machine. */
export function assertSameOrigin(headers: Headers): void {
  const site = headers.get('sec-fetch-site');
  const origin = headers.get('origin');
  const isForeign = origin !== null && URL.parse(origin)?.host !== headers.get('host');
  if ((site === null || site === 'same-origin') && !isForeign) return;
  throw new GantryError('PERMISSION_DENIED', 'a page of another site asks in the name of this browser', {
    hint: 'Open the dashboard at the address of this server.',
  });
}

/** @throws GantryError `PERMISSION_DENIED` for what only those may do who send a token. */
export function assertAllowed(method: string, path: string): void {
  if (ALLOWED.some((pattern) => pattern.test(`${method} ${path}`))) return;
  throw new GantryError('PERMISSION_DENIED', `a browser may not ask for "${method} ${path}"`, {
    hint: 'Use the command line, or send a token.',
  });
}
