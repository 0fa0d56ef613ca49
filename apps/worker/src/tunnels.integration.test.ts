import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { findRuncProblem } from '@gantry/containers';
import { BytePipe } from '@gantry/messaging';
import { subjects, type TunnelRequest } from '@gantry/protocol';
import { temporaryDirectory } from '@gantry/testing';
import { describe, expect, it, vi } from 'vitest';

import { bundleRunner, WorkerUnderTest } from './worker-under-test.ts';

const PATIENCE = { timeout: 60_000 };

/** Opens a tunnel to a program that sends back what it gets, which is open as long as its container. */
const DOOR = `{ kind: 'function', name: 'door', fn: async (options) => {
  const { createServer } = await import('node:net');
  const program = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
  await new Promise((resolve) => program.listen(0, '127.0.0.1', resolve));
  const host = globalThis[Symbol.for('gantry.host')];
  const { close, ...address } = await host.forward(program.address().port, options);
  return address;
} }`;

describe.each(['process', 'runc'] as const)('a tunnel into a container of %s', (driver) => {
  const problem = driver === 'runc' ? findRuncProblem() : undefined;
  const options = { unencrypted: true, http2: false };

  async function start(stack: AsyncDisposableStack): Promise<WorkerUnderTest> {
    const folder = stack.use(await temporaryDirectory('gantry-runner-'));
    const runner = await bundleRunner(join(folder.path, 'runner'));
    return stack.use(await WorkerUnderTest.start(runner, { driver }));
  }

  it.skipIf(problem)(
    problem?.message ?? 'is reported while it is open, and led to on request of gateways of other machines',
    async () => {
      await using stack = new AsyncDisposableStack();
      const platform = await start(stack);
      const { messaging } = platform;
      const asked: TunnelRequest[] = [];
      messaging.respond(subjects.tunnel, async (request: TunnelRequest) => {
        asked.push(request);
        return { host: `${request.tunnel.name}.test`, port: 1, tcp: { host: 'test', port: 7_000 } };
      });
      const record = await platform.deploy(DOOR);
      const containerId = await platform.startContainer(record);
      const call = await platform.submit(record, '', [[options]]);
      const { host } = (await call.value()) as { host: string };
      expect(host).toMatch(/^t-[a-z2-7]{25}\.test$/);
      const { tunnel, unencrypted, workerId } = asked[0] as TunnelRequest;
      expect({ unencrypted, workerId }).toEqual({ unencrypted: true, workerId: platform.worker.workerId });
      const tunnels = () => platform.container(containerId)?.tunnels;
      await vi.waitFor(() => expect(tunnels()).toEqual([{ ...tunnel, tcpPort: 7_000 }]), PATIENCE);

      const pipe = new BytePipe({ messaging, pipeId: 'one', side: 'gateway' });
      expect(await platform.command({ type: 'connect', containerId, pipeId: 'one' })).toEqual({ ok: true });
      pipe.end(`CONNECT ${tunnel.id}:1 HTTP/1.1\r\nhost: x\r\n\r\nhello`);
      expect(await text(pipe)).toBe('HTTP/1.1 200 Connected\r\n\r\nhello');

      const { httpSocketPath } = platform.container(containerId) ?? { httpSocketPath: '' };
      const local = connect(httpSocketPath);
      local.write('CONNECT 2:1 HTTP/1.1\r\nhost: x\r\n\r\n');
      expect(String((await once(local, 'data'))[0])).toContain('404 Not Found');
      await platform.command({ type: 'stop', fence: 1, containerId, reason: 'test' });
      await vi.waitFor(() => expect(platform.container(containerId)?.exit?.code).toBe(0), PATIENCE);
      expect(tunnels()).toBeUndefined();
    },
  );

  it.skipIf(problem)(problem?.message ?? 'is not opened where its container may have none', async () => {
    await using stack = new AsyncDisposableStack();
    const platform = await start(stack);
    const refusal = async (functionOptions = {}) => {
      const record = await platform.deploy(DOOR, functionOptions);
      await platform.startContainer(record);
      const { outcome } = await (await platform.submit(record, '', [[options]])).output();
      return Buffer.from((outcome as { error: Uint8Array }).error).toString('latin1');
    };
    expect(await refusal()).toContain('no gateway answers, so the port cannot be reached from outside');
    expect(await refusal({ restrictAccess: true })).toContain('restrictAccess');
    if (driver === 'runc') expect(await refusal({ blockNetwork: true })).toContain('blockNetwork');
  });
});
