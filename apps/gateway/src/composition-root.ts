import { join } from 'node:path';

import { type IdentityRecord, registryKeys, subjects, type WorkerStatus } from '@gantry/protocol';
import type { Messaging } from '@gantry/messaging';

import { HostCertificates } from './certificates/host-certificates.ts';
import type { GatewayConfig } from './config.ts';
import { ContainerDirectory } from './containers/container-directory.ts';
import { Dispatcher } from './containers/dispatcher.ts';
import { Gateway } from './gateway.ts';
import { container as rootContainer, TOKENS } from './injection.ts';
import { OwnPages } from './pages/own-pages.ts';
import { ProxyTokens } from './proxy/proxy-tokens.ts';
import { ResultKeeper, type ResultStores } from './results/result-keeper.ts';
import type { FunctionSource } from './routing/function-source.ts';
import { RouteTable, type RouteRegistry } from './routing/route-table.ts';

const SWEEP_MS = 1_000;

/** What the gateway uses of the message system. */
export type GatewayMessaging = Pick<Messaging, 'publish' | 'subscribe' | 'rate'> & {
  readonly registry: RouteRegistry & ResultStores['registry'];
  readonly leases: ResultStores['leases'];
};

export interface GatewayParts {
  config: GatewayConfig;
  messaging: GatewayMessaging;
  functions: FunctionSource;
  blobs: ResultStores['blobs'];
}

export interface RunningGateway {
  /** Address of the bare domain. */
  url: string;
  /** Certificate to trust, PEM. */
  caPath: string;
  stop(): Promise<void>;
}

/** Wires a gateway and starts it. The parts it was given stay the caller's to close. */
export async function openGateway({
  config,
  messaging,
  functions,
  blobs,
}: GatewayParts): Promise<RunningGateway> {
  const caFolder = join(config.dataDir, 'ca');
  const injector = rootContainer.createChildContainer();
  injector.registerInstance(TOKENS.config, config);
  injector.registerInstance(TOKENS.functions, functions);
  injector.registerInstance(TOKENS.demand, messaging);
  injector.registerInstance(TOKENS.rate, messaging.rate);
  const { registry, leases } = messaging;
  injector.registerInstance(TOKENS.resultStores, { registry, leases, blobs });
  const certificates = await HostCertificates.open(caFolder, config.domain);
  injector.registerInstance(TOKENS.certificates, certificates);
  injector.registerInstance(
    TOKENS.pages,
    new OwnPages({
      domain: config.domain,
      caPem: certificates.caPem,
      identity: async () => (await messaging.registry.get<IdentityRecord>(registryKeys.identity))?.value,
    }),
  );
  const containers = injector.resolve(ContainerDirectory);
  const dispatcher = injector.resolve(Dispatcher);
  const gateway = injector.resolve(Gateway);
  const results = injector.resolve(ResultKeeper);

  const routes = await injector.resolve(RouteTable).follow(messaging.registry);
  const tokens = await injector.resolve(ProxyTokens).follow(messaging.registry);
  const statuses = messaging.subscribe<WorkerStatus>(subjects.workerStatus, (status) =>
    containers.receive(status, Date.now()),
  );
  messaging.publish(subjects.workerAsk, {});
  const sweep = setInterval(() => containers.dropSilentWorkers(Date.now()), SWEEP_MS).unref();
  const port = await gateway.listen();
  return {
    url: `https://${config.domain}:${port}`,
    caPath: join(caFolder, 'ca.pem'),
    async stop() {
      routes.stop();
      tokens.stop();
      statuses.stop();
      clearInterval(sweep);
      dispatcher.close();
      await gateway.close();
      containers.close();
      await results.close();
    },
  };
}
