/** A request as `fetch` knows it, or as Node does. */
interface WithHeaders {
  readonly headers: Headers | Readonly<Record<string, string | string[] | undefined>>;
}

/**
 * Address of the client that sent a request, as the gateway saw it: nothing that the client claims counts. Undefined
 * outside of web functions.
 *
 * @example
 * ```ts
 * new Hono().get('/', (c) => c.text(getClientIp(c.req.raw) ?? 'unknown'));
 * ```
 */
export function getClientIp({ headers }: WithHeaders): string | undefined {
  const value = headers instanceof Headers ? headers.get('x-forwarded-for') : headers['x-forwarded-for'];
  return (Array.isArray(value) ? value[0] : value) ?? undefined;
}
