import { connectMessaging, type Messaging } from '@gantry/messaging';
import { createLogger } from '@gantry/telemetry';
import { startNats, temporaryDirectory } from '@gantry/testing';
import { expect } from 'vitest';

import { type RunningServer, startServer } from '../main.ts';
import { FakeWorker } from './fake-worker.ts';
import { fn, manifest, TestClient, TOKEN } from './test-client.ts';

/** A deploy's reply, with the id of its first function at hand. */
export interface TestDeployment {
  appId: string;
  appName: string;
  version: number;
  functionId: string;
  functions: { id: string; name: string; urls: Record<string, string> }[];
}

/** A real nats-server, one or more real servers, and a worker that only pretends. */
export class TestPlatform {
  readonly messaging: Messaging;
  /** Text records of the DNS, as servers see it. */
  readonly texts: Map<string, string[][]>;
  readonly worker: FakeWorker;
  client: TestClient;
  server: RunningServer;
  readonly #startServer: () => Promise<RunningServer>;
  readonly #stopRest: () => Promise<void>;
  #apps = 0;

  private constructor(parts: {
    messaging: Messaging;
    server: RunningServer;
    texts: Map<string, string[][]>;
    startServer: () => Promise<RunningServer>;
    stopRest: () => Promise<void>;
  }) {
    this.messaging = parts.messaging;
    this.server = parts.server;
    this.texts = parts.texts;
    this.client = new TestClient(parts.server.url);
    this.worker = new FakeWorker(parts.messaging);
    this.#startServer = parts.startServer;
    this.#stopRest = parts.stopRest;
  }

  /** Servers serve the dashboard that is built into this folder, if one is named. */
  static async start({
    dashboardPath,
    notifyUrl,
  }: { dashboardPath?: string; notifyUrl?: string } = {}): Promise<TestPlatform> {
    const nats = await startNats();
    const directory = await temporaryDirectory('gantry-server-');
    const texts = new Map<string, string[][]>();
    const resolveText = async (name: string) => texts.get(name) ?? [];
    const launch = () =>
      startServer({
        natsUrl: nats.url,
        dataDir: directory.path,
        blobs: { type: 'disk', path: `${directory.path}/blobs` },
        host: '127.0.0.1',
        port: 0,
        token: TOKEN,
        workspace: 'local',
        gatewayUrl: 'https://gantry.localhost:7443',
        resolveText,
        dashboardPath,
        notifyUrl,
        log: createLogger({ name: 'server', level: 'silent' }),
      });
    const server = await launch();
    const messaging = await connectMessaging({ url: nats.url, name: 'fake', onError: () => undefined });
    const stopRest = async () => {
      await nats.stop();
      await directory.remove();
    };
    return new TestPlatform({ messaging, server, texts, startServer: launch, stopRest });
  }

  async startAnotherServer(): Promise<RunningServer> {
    return await this.#startServer();
  }

  /** Deploys an app with a name of its own. */
  async deployFresh(functions = [fn('f')], request: Record<string, unknown> = {}): Promise<TestDeployment> {
    const appName = `app${++this.#apps}`;
    const reply = await this.client.deploy({ manifest: manifest(functions, { appName }), ...request });
    expect(reply.status, reply.text).toBe(200);
    const deployment = reply.json as unknown as TestDeployment;
    return { ...deployment, functionId: deployment.functions[0]?.id ?? '' };
  }

  async stop(): Promise<void> {
    this.worker.stop();
    await this.server.stop();
    await this.messaging.close();
    await this.#stopRest();
  }
}
