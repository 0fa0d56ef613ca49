import {
  type ContainerSummary,
  DEFAULTS,
  InternalFailure,
  NotFoundError,
  subjects,
  type WorkerCommand,
  type WorkerReply,
} from '@gantry/protocol';
import { Hono } from 'hono';

import type { HttpServerOptions } from '../http-server.ts';

/** What runs where. */
export function containerRoutes({ apps, functions, workers, messaging }: HttpServerOptions): Hono {
  return new Hono()
    .get('/containers', async (context) => {
      const environment = context.req.query('environment') ?? DEFAULTS.environment;
      const own = new Set((await apps.allIn(environment)).map(({ id }) => id));
      const containers = workers
        .containers()
        .filter(({ container }) => own.has(container.appId))
        .map(({ worker, container }): ContainerSummary => ({
          ...container,
          workerId: worker.workerId,
          hostname: worker.hostname,
          appName: apps.get(container.appId)?.name,
          functionName: functions.get(container.functionId)?.spec.name ?? container.functionId,
        }));
      return context.json({ containers });
    })
    .post('/containers/:id/stop', async (context) => {
      const containerId = context.req.param('id');
      const found = workers.containers().find(({ container }) => container.containerId === containerId);
      if (!found) {
        throw new NotFoundError(`container "${containerId}" does not run`, {
          hint: 'List what runs: `gantry container list`.',
        });
      }
      const kill = ['1', 'true'].includes(context.req.query('kill') ?? '');
      const command: WorkerCommand = {
        type: kill ? 'kill' : 'preempt',
        containerId,
        reason: 'stopped by request',
      };
      const reply = await messaging.request<WorkerReply>(subjects.worker(found.worker.workerId), command);
      if (!reply.ok) {
        throw new InternalFailure(
          `container "${containerId}" was not stopped: ${reply.message ?? 'refused'}`,
        );
      }
      return context.json({ ok: true });
    });
}
