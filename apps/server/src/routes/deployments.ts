import { InvalidError, RequestSizeError } from '@gantry/protocol';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';

import { readDeployRequest } from '../deploy/deploy-body.ts';
import type { HttpServerOptions } from '../http-server.ts';

const LARGEST_BODY_BYTES = 8 * 1024 ** 2;

/** New versions of apps. */
export function deploymentRoutes({ deployer }: HttpServerOptions): Hono {
  const limit = bodyLimit({
    maxSize: LARGEST_BODY_BYTES,
    onError: () => {
      throw new RequestSizeError('the manifest exceeds 8 MiB', { hint: 'Split the app.' });
    },
  });
  return new Hono().post('/deployments', limit, async (context) => {
    const body: unknown = await context.req.json().catch((cause: unknown) => {
      throw new InvalidError('the body is not JSON', { cause });
    });
    return context.json(await deployer.deploy(readDeployRequest(body)));
  });
}
