import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';

import type { ContainerStatus, EndpointSpec, FunctionRecord, ParameterSpec, WebSpec } from '@gantry/protocol';

import type { GatewayConfig } from './config.ts';

/** One endpoint of a function under test. */
export interface TestEndpoint {
  name?: string;
  web?: Partial<EndpointSpec> | Exclude<WebSpec, EndpointSpec>;
  params?: ParameterSpec[];
  run(...args: never[]): unknown;
}

export interface TestAnswer {
  status: number | undefined;
  headers: IncomingMessage['headers'];
  body: string;
  json: unknown;
}

export interface TestAsk {
  verb?: string;
  path?: string;
  headers?: OutgoingHttpHeaders;
  body?: string | Uint8Array;
  /** Of another gateway. */
  port?: number;
}

export interface TestPlatformOptions {
  /** How long clients wait for the head of an answer. */
  webWaitMs?: number;
  /** How long they may keep a container waiting. */
  stallMs?: number;
  /** How long requests may go on when the gateway stops. @defaultValue 5_000 */
  drainMs?: number;
  certificates?: GatewayConfig['certificates'];
  acme?: GatewayConfig['acme'];
  /** @defaultValue any that is free; another gateway always gets such a one */
  port?: number;
  /** For plain HTTP; another gateway gets a free one. */
  httpPort?: number;
}

export interface TestFunctionOptions {
  version?: number;
  parameters?: ParameterSpec[];
  maxInputs?: number;
  timeoutMs?: number;
  /** How long requests wait for a container. */
  startupTimeoutMs?: number;
  /** The function this is a new version of. */
  of?: TestFunction;
}

export interface TestFunction {
  record: FunctionRecord;
  host: string;
  endpoint: TestEndpoint;
}

export interface ServedFunction extends TestFunction {
  container: TestContainer;
}

export interface TestContainer {
  status: ContainerStatus;
  close(): Promise<void>;
}
