import { InvalidError } from '@gantry/protocol';

import { checkKeys, checkRange } from './option-checks.ts';
import type { EndpointOptions, WebOptions, WebServerOptions } from './options.ts';

const HTTP_METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
const PORTS = { min: 1, max: 65_535, integer: true };
const STARTUP_TIMEOUT = { min: 1, max: 3_600_000, integer: false };
const WEB_KEYS = ['label', 'requiresProxyAuth'];

/** Checks `@fastapiEndpoint` options. */
export function checkEndpointOptions(options: EndpointOptions): void {
  const subject = '@fastapiEndpoint';
  checkWebOptions(subject, options, ['method', 'docs']);
  if (options.method !== undefined && !HTTP_METHODS.includes(options.method)) {
    throw new InvalidError(`${subject}: the method "${String(options.method)}" is not supported`, {
      hint: `Use one of ${HTTP_METHODS.join(', ')}.`,
    });
  }
}

/** Checks what `@webServer` is given. */
export function checkWebServer(port: number, options: WebServerOptions): void {
  const subject = '@webServer';
  checkRange(`${subject}: port`, port, PORTS);
  checkWebOptions(subject, options, ['startupTimeoutMs']);
  if (options.startupTimeoutMs === undefined) return;
  checkRange(`${subject}: startupTimeoutMs`, options.startupTimeoutMs, STARTUP_TIMEOUT);
}

/** Checks options that all kinds have; `known` are those that only this one has. */
export function checkWebOptions(subject: string, options: WebOptions, known: readonly string[] = []): void {
  checkKeys(subject, options, [...known, ...WEB_KEYS]);
  if (options.label !== undefined && !/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(options.label)) {
    throw new InvalidError(`${subject}: the label "${options.label}" is no host name label`, {
      hint: 'Use 1 to 63 lower-case letters, digits and dashes, no dash at either end.',
    });
  }
  const { requiresProxyAuth = false } = options;
  if (typeof requiresProxyAuth !== 'boolean') {
    throw new InvalidError(`${subject}: requiresProxyAuth must be true or false`);
  }
}
