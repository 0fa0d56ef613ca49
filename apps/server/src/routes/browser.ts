import {
  type BrowserSessionReply,
  type BrowserSessionRequest,
  InvalidError,
  RequestSizeError,
} from '@gantry/protocol';
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';

import { assertSameOrigin, cookieHeader, readCookie } from '../browser/browser-requests.ts';
import type { BrowserSessions } from '../browser/browser-sessions.ts';
import type { TokenCheck } from '../token-check.ts';

const LARGEST_BODY_BYTES = 4 * 1024;

export interface BrowserRouteParts {
  sessions: BrowserSessions;
  token: TokenCheck;
}

/** Signing browsers in: needs no token in a header, for that is what they have not. */
export function signInRoutes({ sessions, token }: BrowserRouteParts): Hono {
  return new Hono().post('/browser/session', signInLimit(), async (context) => {
    const { headers } = context.req.raw;
    assertSameOrigin(headers);
    const request = await readRequest(context);
    const tokenDigest =
      request.code === undefined
        ? token.requireHeader(`Bearer ${request.token}`)
        : token.requireDigest(await sessions.redeem(request.code));
    const { cookie, key, expiresAtMs } = await sessions.open(tokenDigest);
    const reply: BrowserSessionReply = { key, expiresAtMs };
    return context.json(reply, 201, {
      'set-cookie': cookieHeader(headers, { cookie, expiresAtMs }),
      'cache-control': 'no-store',
    });
  });
}

function signInLimit(): MiddlewareHandler {
  return bodyLimit({
    maxSize: LARGEST_BODY_BYTES,
    onError: () => {
      throw new RequestSizeError('what a browser signs in with exceeds 4 KiB', {
        hint: 'A token has fewer than 100 characters.',
      });
    },
  });
}

/** Codes for links, and the end of a session. */
export function browserRoutes({ sessions, token }: BrowserRouteParts): Hono {
  return new Hono()
    .post('/browser/codes', async (context) => {
      const tokenDigest = token.requireHeader(context.req.header('authorization'));
      return context.json(await sessions.createCode(tokenDigest), 201, { 'cache-control': 'no-store' });
    })
    .delete('/browser/session', async (context) => {
      const { headers } = context.req.raw;
      const cookie = readCookie(headers);
      if (cookie !== undefined) await sessions.close(cookie);
      return context.body(null, 204, { 'set-cookie': cookieHeader(headers) });
    });
}

async function readRequest(context: Context): Promise<BrowserSessionRequest> {
  const body = (await context.req.json().catch(() => undefined)) as BrowserSessionRequest | undefined;
  const { code, token } = body ?? {};
  const isOne = (code === undefined) !== (token === undefined);
  if (isOne && typeof (code ?? token) === 'string') return body ?? {};
  throw new InvalidError('a browser signs in with a JSON object that has "code" or "token"');
}
