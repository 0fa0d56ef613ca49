import { DEFAULTS, InvalidError, RequestSizeError, type SaveSecretRequest } from '@gantry/protocol';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';

import type { HttpServerOptions } from '../http-server.ts';

// Values of 64 KiB may be longer in JSON.
const LARGEST_BODY_BYTES = 1024 ** 2;

/** Named secrets: their values come in, and never go out. */
export function secretRoutes({ secrets }: HttpServerOptions): Hono {
  const environmentOf = (query: string | undefined) => query ?? DEFAULTS.environment;
  const limit = bodyLimit({
    maxSize: LARGEST_BODY_BYTES,
    onError: () => {
      throw new RequestSizeError('the secret exceeds 1 MiB', { hint: 'A secret has at most 64 KiB.' });
    },
  });
  return new Hono()
    .get('/secrets', async (context) => {
      const environment = environmentOf(context.req.query('environment'));
      return context.json({ secrets: await secrets.list(environment) });
    })
    .get('/secrets/:name', async (context) => {
      const environment = environmentOf(context.req.query('environment'));
      return context.json(await secrets.find(environment, context.req.param('name')));
    })
    .put('/secrets/:name', limit, async (context) => {
      const environment = environmentOf(context.req.query('environment'));
      const { values, replace } = readRequest(await context.req.json().catch(() => undefined));
      return context.json(
        await secrets.save({ environment, name: context.req.param('name'), values, replace }),
      );
    })
    .delete('/secrets/:name', async (context) => {
      const environment = environmentOf(context.req.query('environment'));
      return context.json(await secrets.delete(environment, context.req.param('name')));
    });
}

// No cause and no quotation: the body holds values.
function readRequest(body: unknown): SaveSecretRequest {
  const { values, replace } = (body ?? {}) as Partial<SaveSecretRequest>;
  if (values === undefined || (replace !== undefined && typeof replace !== 'boolean')) {
    throw new InvalidError(
      'a secret must be sent as a JSON object with "values", and "replace" if it may replace one',
    );
  }
  return { values, replace };
}
