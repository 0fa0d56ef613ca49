import { InvalidError, RequestSizeError } from '@gantry/protocol';
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';

import { readDeployRequest } from '../deploy/deploy-body.ts';
import type { HttpServerOptions } from '../http-server.ts';

const LARGEST_BODY_BYTES = 8 * 1024 ** 2;

/** New versions of apps. */
export function deploymentRoutes({ deployer }: HttpServerOptions): Hono {
  return new Hono().post('/deployments', manifestLimit(), async (context) => {
    return context.json(await deployer.deploy(readDeployRequest(await readJsonBody(context))));
  });
}

/** Refuses manifests that are too large. */
export function manifestLimit(): MiddlewareHandler {
  return bodyLimit({
    maxSize: LARGEST_BODY_BYTES,
    onError: () => {
      throw new RequestSizeError('the manifest exceeds 8 MiB', { hint: 'Split the app.' });
    },
  });
}

/** @throws InvalidError if the body is no JSON. */
export async function readJsonBody(context: Context): Promise<unknown> {
  return await context.req.json().catch((cause: unknown) => {
    throw new InvalidError('the body is not JSON', { cause });
  });
}
