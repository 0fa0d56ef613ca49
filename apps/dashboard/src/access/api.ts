import type {
  AppSummary,
  ContainerSummary,
  DeploymentSummary,
  EnvironmentSummary,
  FunctionStatus,
  HelloReply,
  ScheduleSummary,
} from '@gantry/protocol';

import { Problem, problemOf } from './problem.ts';
import { forgetSession, sessionKey } from './session.ts';

const RUNS = 5;

/** Sends a request in the name of this browser: it reads, or with a body it does something. @throws Problem */
export async function ask(path: string, signal?: AbortSignal, body?: object): Promise<Response> {
  const key = sessionKey() ?? '';
  const headers = { 'gantry-session-key': key, 'content-type': 'application/json' };
  const order = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
  const response = await fetch(path, { ...order, headers, signal: signal ?? null }).catch(
    (error: unknown) => {
      if (signal?.aborted) throw error;
      throw new Problem(0, 'the server cannot be reached', 'Is the platform running? This page tries again.');
    },
  );
  if (response.ok) return response;
  // Another tab may have signed in meanwhile: its key is good.
  if (response.status === 401 && key === (sessionKey() ?? '')) forgetSession();
  throw await problemOf(response);
}

async function read<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await (await ask(path, signal)).json()) as T;
}

/** Where an app is asked for: a name needs its environment, an id does not. */
export interface AppAddress {
  app: string;
  environment: string | undefined;
}

export function appUrl(
  { app, environment }: AppAddress,
  part = '',
  query: Record<string, string> = {},
): string {
  const search = new URLSearchParams({ ...(environment !== undefined && { environment }), ...query });
  return `/v1/apps/${encodeURIComponent(app)}${part}${search.size > 0 ? `?${search}` : ''}`;
}

export const api = {
  hello: (signal?: AbortSignal) => read<HelloReply>('/v1/hello', signal),
  environments: async (signal?: AbortSignal) =>
    (await read<{ environments: EnvironmentSummary[] }>('/v1/environments', signal)).environments,
  apps: async (environment: string, signal?: AbortSignal) => {
    const query = new URLSearchParams({ environment });
    return (await read<{ apps: AppSummary[] }>(`/v1/apps?${query}`, signal)).apps;
  },
  app: (address: AppAddress, signal?: AbortSignal) => read<AppSummary>(appUrl(address), signal),
  functions: async (address: AppAddress, signal?: AbortSignal) =>
    (await read<{ functions: FunctionStatus[] }>(appUrl(address, '/functions'), signal)).functions,
  schedules: async (address: AppAddress, signal?: AbortSignal) => {
    const url = appUrl(address, '/schedules', { runs: String(RUNS) });
    return (await read<{ schedules: ScheduleSummary[] }>(url, signal)).schedules;
  },
  deployments: async (address: AppAddress, signal?: AbortSignal) =>
    (await read<{ deployments: DeploymentSummary[] }>(appUrl(address, '/deployments'), signal)).deployments,
  containers: async (environment: string, signal?: AbortSignal) => {
    const query = new URLSearchParams({ environment });
    return (await read<{ containers: ContainerSummary[] }>(`/v1/containers?${query}`, signal)).containers;
  },
  stop: (address: AppAddress) => ask(appUrl(address, '/stop'), undefined, {}),
  rollback: (address: AppAddress, version: number) =>
    ask(appUrl(address, '/rollback'), undefined, { version, deployedBy: 'dashboard' }),
  runNow: (address: AppAddress, name: string) =>
    ask(appUrl(address, `/functions/${encodeURIComponent(name)}/run`), undefined, {}),
};
