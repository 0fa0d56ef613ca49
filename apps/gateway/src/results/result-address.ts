import { createHash, randomBytes } from 'node:crypto';

/** Query parameter of the address where the answer of a long request is. Apps never see it. */
const PARAMETER = '__gantry_result';
const TOKEN = new RegExp(`[?&]${PARAMETER}=([\\w-]{32})(?:&|$)`);
const TOKEN_BYTES = 24;

/** Opens one result to whoever has it; nobody can guess it. */
export function newResultToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url');
}

/** What the registry knows of a token: what is read there opens nothing. */
export function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** Path and query of a result: those of its request, and the token. */
export function withResultToken(target: string, token: string): string {
  return `${target}${target.includes('?') ? '&' : '?'}${PARAMETER}=${token}`;
}

/** The token in path and query of a request that asks for a result; undefined for all others. */
export function resultTokenIn(target: string): string | undefined {
  // Nearly every request ends here.
  if (!target.includes(PARAMETER)) return undefined;
  return TOKEN.exec(target)?.[1];
}
