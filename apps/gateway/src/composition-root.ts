import { join } from 'node:path';

import {
  type IdentityRecord,
  registryKeys,
  subjects,
  type TunnelRequest,
  type WorkerStatus,
} from '@gantry/protocol';
import type { Messaging } from '@gantry/messaging';

import { openAcme } from './acme/open-acme.ts';
import { CertificateFiles } from './certificates/certificate-files.ts';
import { HostCertificates } from './certificates/host-certificates.ts';
import type { GatewayConfig } from './config.ts';
import { ContainerDirectory } from './containers/container-directory.ts';
import { ContainerLink } from './containers/container-link.ts';
import { Dispatcher } from './containers/dispatcher.ts';
import { Gateway } from './gateway.ts';
import { container as rootContainer, type DependencyContainer, TOKENS } from './injection.ts';
import { GpuMetrics } from './observation/gpu-metrics.ts';
import { type LogWriter, RequestLog } from './observation/request-log.ts';
import { type Gauge, RequestMetrics } from './observation/request-metrics.ts';
import { OwnPages } from './pages/own-pages.ts';
import { ProxyTokens } from './proxy/proxy-tokens.ts';
import { ResultKeeper, type ResultStores } from './results/result-keeper.ts';
import type { FunctionSource } from './routing/function-source.ts';
import { RequestRouter } from './request-router.ts';
import { RouteTable, type RouteRegistry } from './routing/route-table.ts';
import { Tunnels } from './tunnels/tunnels.ts';

const SWEEP_MS = 1_000;

/** What the gateway uses of the message system. */
export type GatewayMessaging = Pick<Messaging, 'publish' | 'subscribe' | 'request' | 'respond' | 'rate'> & {
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
  const { registry, leases, logs, rate } = messaging;
  injector.registerInstance(TOKENS.rate, rate);
  injector.registerInstance(TOKENS.logs, logs);
  injector.registerInstance(TOKENS.resultStores, { registry, leases, blobs });
  const link = new ContainerLink(messaging);
  injector.registerInstance(TOKENS.link, link);
  const tunnels = new Tunnels(config, link);
  const files = await openFiles(config);
  const certificates = await HostCertificates.open(caFolder, config.domain, files);
  injector.registerInstance(TOKENS.certificates, certificates);
  injector.registerInstance(TOKENS.pages, pagesOf(injector, messaging, tunnels));
  const containers = injector.resolve(ContainerDirectory);
  const dispatcher = injector.resolve(Dispatcher);
  const [gateway, results] = [injector.resolve(Gateway), injector.resolve(ResultKeeper)];
  const requestLog = injector.resolve(RequestLog);
  const gpus = new GpuMetrics();
  const gauges = [...gaugesOf({ dispatcher, containers }), ...gpus.gauges];
  for (const gauge of gauges) injector.resolve(RequestMetrics).addGauge(gauge);

  const routes = await injector.resolve(RouteTable).follow(messaging.registry);
  const tokens = await injector.resolve(ProxyTokens).follow(messaging.registry);
  const acme = await openAcme({
    ...{ config, registry, gatewayId: results.gatewayId },
    isServed: (host) => injector.resolve(RequestRouter).certificateName(host) === host,
  });
  if (acme) certificates.useAcme(acme.certificates);
  const workers = followWorkers(messaging, [containers, tunnels, gpus]);
  const port = await gateway.listen(tunnels, acme);
  const opening = messaging.respond(subjects.tunnel, (request: TunnelRequest) => tunnels.open(request), {
    group: 'gateways',
  });
  return {
    url: `https://${config.domain}:${port}`,
    caPath: join(caFolder, 'ca.pem'),
    async stop() {
      opening.stop();
      await gateway.close(() => dispatcher.close());
      dispatcher.close();
      containers.close();
      await results.close();
      await requestLog.flush();
      files?.close();
      routes.stop();
      tokens.stop();
      workers.stop();
      acme?.close();
    },
  };
}

function pagesOf(injector: DependencyContainer, messaging: GatewayMessaging, tunnels: Tunnels): OwnPages {
  return new OwnPages({
    domain: injector.resolve(TOKENS.config).domain,
    caPem: injector.resolve(TOKENS.certificates).caPem,
    isTunnel: (host) => tunnels.find(host) !== undefined,
    metrics: () => injector.resolve(RequestMetrics).render(),
    identity: async () => (await messaging.registry.get<IdentityRecord>(registryKeys.identity))?.value,
  });
}

/** Tells each follower how workers are, and when it is time to give up those that are silent. */
function followWorkers(
  messaging: GatewayMessaging,
  followers: readonly Pick<ContainerDirectory, 'receive' | 'dropSilentWorkers'>[],
): { stop(): void } {
  const statuses = messaging.subscribe<WorkerStatus>(subjects.workerStatus, (status) => {
    for (const follower of followers) follower.receive(status, Date.now());
  });
  messaging.publish(subjects.workerAsk, {});
  const sweep = setInterval(() => {
    for (const follower of followers) follower.dropSilentWorkers(Date.now());
  }, SWEEP_MS).unref();
  return {
    stop() {
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
