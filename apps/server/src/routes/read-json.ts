import { InvalidError } from '@gantry/protocol';
import type { Context } from 'hono';

/**
 * The body of a request, which must be a JSON object.
 *
 * @throws InvalidError.
 */
export async function readJsonObject(context: Context): Promise<Record<string, unknown>> {
  const body: unknown = await context.req.json().catch(() => undefined);
  if (typeof body === 'object' && body !== null && !Array.isArray(body))
    return body as Record<string, unknown>;
  throw new InvalidError('the body is no JSON object');
}
