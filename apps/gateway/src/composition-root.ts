import { join } from 'node:path';

import { type IdentityRecord, registryKeys, subjects, type WorkerStatus } from '@gantry/protocol';
import type { Messaging } from '@gantry/messaging';

import { CertificateFiles } from './certificates/certificate-files.ts';
import { HostCertificates } from './certificates/host-certificates.ts';
import type { GatewayConfig } from './config.ts';
import { ContainerDirectory } from './containers/container-directory.ts';
import { Dispatcher } from './containers/dispatcher.ts';
import { Gateway } from './gateway.ts';
import { container as rootContainer, TOKENS } from './injection.ts';
import { type LogWriter, RequestLog } from './observation/request-log.ts';
import { type Gauge, RequestMetrics } from './observation/request-metrics.ts';
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
  readonly logs: LogWriter;
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
  const { registry, leases, logs } = messaging;
  injector.registerInstance(TOKENS.logs, logs);
  injector.registerInstance(TOKENS.resultStores, { registry, leases, blobs });
  const files = await openFiles(config);
  const certificates = await HostCertificates.open(caFolder, config.domain, files);
  injector.registerInstance(TOKENS.certificates, certificates);
  injector.registerInstance(
    TOKENS.pages,
    new OwnPages({
      domain: config.domain,
      caPem: certificates.caPem,
      metrics: () => injector.resolve(RequestMetrics).render(),
      identity: async () => (await messaging.registry.get<IdentityRecord>(registryKeys.identity))?.value,
    }),
  );
  const containers = injector.resolve(ContainerDirectory);
  const dispatcher = injector.resolve(Dispatcher);
  const gateway = injector.resolve(Gateway);
  const results = injector.resolve(ResultKeeper);
  const requestLog = injector.resolve(RequestLog);
  for (const gauge of gaugesOf({ dispatcher, containers })) injector.resolve(RequestMetrics).addGauge(gauge);

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
      await gateway.close(() => dispatcher.close());
      dispatcher.close();
      containers.close();
      await results.close();
      await requestLog.flush();
      files?.close();
      routes.stop();
      tokens.stop();
      statuses.stop();
      clearInterval(sweep);
    },
  };
}

async function openFiles({ certificates, log }: GatewayConfig): Promise<CertificateFiles | undefined> {
  return certificates === undefined ? undefined : await CertificateFiles.open({ ...certificates, log });
}

function gaugesOf(parts: { dispatcher: Dispatcher; containers: ContainerDirectory }): Gauge[] {
  return [
    {
      name: 'gantry_gateway_requests_waiting',
      help: 'Requests that wait for a container.',
      read: () => parts.dispatcher.waiting,
    },
    {
      name: 'gantry_gateway_containers',
      help: 'Containers that can take requests.',
      read: () => parts.containers.usable,
    },
  ];
}
