import { type ImageBuildEvent, toWireError } from '@gantry/protocol';
import { Hono } from 'hono';

import { readDeployRequest } from '../deploy/deploy-body.ts';
import type { HttpServerOptions } from '../http-server.ts';
import { manifestLimit, readJsonBody } from './deployments.ts';

/** Clients, and what is between, give up connections on which nothing comes for some minutes. */
const SIGN_OF_LIFE_MS = 15_000;

/** Builds what a deploy needs, and tells what goes on. A client that leaves ends what only it waits for. */
export function imageRoutes({ images, deployer, config }: HttpServerOptions): Hono {
  const routes = new Hono();
  routes.get('/images/:id', async (context) => context.json(await images.find(context.req.param('id'))));
  return routes.post('/images', manifestLimit(), async (context) => {
    const request = readDeployRequest(await readJsonBody(context));
    await deployer.check(request);
    const left = new AbortController();
    context.req.raw.signal.addEventListener('abort', () => left.abort(), { once: true });
    const encoder = new TextEncoder();
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const send = (line: string) => {
          if (!left.signal.aborted) controller.enqueue(encoder.encode(`${line}\n`));
        };
        const tell = (event: ImageBuildEvent) => send(JSON.stringify(event));
        const signs = setInterval(() => send(''), SIGN_OF_LIFE_MS);
        void images
          .resolve(request, { signal: left.signal, onEvent: tell })
          .then((built) => tell({ type: 'built', images: built }))
          .catch((error: unknown) => {
            const wire = toWireError(error);
            if (wire.code === 'INTERNAL' && !left.signal.aborted)
              config.log.error({ err: error }, 'image build failed');
            tell({ type: 'failed', error: wire });
          })
          .finally(() => {
            clearInterval(signs);
            if (!left.signal.aborted) controller.close();
          });
      },
      cancel: () => left.abort(),
    });
    return new Response(body, {
      headers: { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' },
    });
  });
}
