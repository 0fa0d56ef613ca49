// tsyringe needs the metadata API before it loads, so everything that injects comes through this file.
import 'reflect-metadata';

import type { RateLimit } from '@gantry/messaging';
import { type InjectionToken, Lifecycle, scoped } from 'tsyringe';

import type { HostCertificates } from './certificates/host-certificates.ts';
import type { ContainerLink } from './containers/container-link.ts';
import type { DemandPublisher } from './containers/demand-signal.ts';
import type { GatewayConfig } from './config.ts';
import type { LogWriter } from './observation/request-log.ts';
import type { OwnPages } from './pages/own-pages.ts';
import type { ResultStores } from './results/result-keeper.ts';
import type { FunctionSource } from './routing/function-source.ts';

export { container, type DependencyContainer, inject } from 'tsyringe';

/** One instance per gateway; the container of the process as a whole is left alone. */
export function onePerGateway(): ClassDecorator {
  return scoped(Lifecycle.ContainerScoped) as ClassDecorator;
}

/** What the classes of the gateway are given by the composition root. */
export const TOKENS = {
  config: Symbol('GatewayConfig') as InjectionToken<GatewayConfig>,
  certificates: Symbol('HostCertificates') as InjectionToken<HostCertificates>,
  pages: Symbol('OwnPages') as InjectionToken<OwnPages>,
  functions: Symbol('FunctionSource') as InjectionToken<FunctionSource>,
  demand: Symbol('DemandPublisher') as InjectionToken<DemandPublisher>,
  resultStores: Symbol('ResultStores') as InjectionToken<ResultStores>,
  logs: Symbol('LogWriter') as InjectionToken<LogWriter>,
  link: Symbol('ContainerLink') as InjectionToken<ContainerLink>,
  rate: Symbol('RateLimit') as InjectionToken<RateLimit>,
};
