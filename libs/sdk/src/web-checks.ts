import { InvalidError, isCustomDomain } from '@gantry/protocol';

import { checkKeys, checkRange } from './option-checks.ts';
import type { EndpointOptions, WebOptions, WebServerOptions } from './options.ts';

const HTTP_METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
const WITH_BODY = ['POST', 'PUT', 'PATCH'];
const ROUTE_PATH = /^(?:\/|(?:\/(?::\w+|[\w.~-]+))+)$/;
const PORTS = { min: 1, max: 65_535, integer: true };
const STARTUP_TIMEOUT = { min: 1, max: 3_600_000, integer: false };
const WEB_KEYS = ['label', 'customDomains', 'requiresProxyAuth'];

/** Checks `@fastapiEndpoint` options. */
export function checkEndpointOptions(options: EndpointOptions): void {
  const subject = '@fastapiEndpoint';
  checkWebOptions(subject, options, ['method', 'docs', 'path', 'headers', 'form']);
  if (options.method !== undefined && !HTTP_METHODS.includes(options.method)) {
    throw new InvalidError(`${subject}: the method "${String(options.method)}" is not supported`, {
      hint: `Use one of ${HTTP_METHODS.join(', ')}.`,
    });
  }
  checkPath(subject, options);
  for (const [parameter, header] of Object.entries(options.headers ?? {})) {
    if (/^[\w!#$%&'*+.^`|~-]+$/.test(header)) continue;
    throw new InvalidError(`${subject}: "${String(header)}", for "${parameter}", is no name of a header`, {
      hint: "Map parameters to header names: headers: { token: 'X-Token' }.",
    });
  }
  const { form = false, method = 'GET' } = options;
  if (form && !WITH_BODY.includes(method)) {
    throw new InvalidError(`${subject}: a ${method} request has no form`, {
      hint: `Use one of ${WITH_BODY.join(', ')}, or leave "form" out: fields of a GET form are in the query.`,
    });
  }
}

function checkPath(subject: string, { path = '/', docs = false }: EndpointOptions): void {
  if (!ROUTE_PATH.test(path)) {
    throw new InvalidError(`${subject}: the path "${path}" cannot be`, {
      hint: 'Begin with a slash, and name parameters with a colon: "/items/:id".',
    });
  }
  const names: string[] = path.match(/:\w+/g) ?? [];
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new InvalidError(`${subject}: the path "${path}" names "${twice}" twice`);
  if (docs && (path === '/docs' || path === '/openapi.json')) {
    throw new InvalidError(`${subject}: its documentation is at "${path}"`, { hint: 'Choose another path.' });
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
  checkDomains(subject, options.customDomains);
  const { requiresProxyAuth = false } = options;
  if (typeof requiresProxyAuth !== 'boolean') {
    throw new InvalidError(`${subject}: requiresProxyAuth must be true or false`);
  }
}

function checkDomains(subject: string, domains: unknown = []): void {
  if (!Array.isArray(domains)) throw new InvalidError(`${subject}: customDomains must be a list of domains`);
  const wrong: unknown = domains.find((name) => typeof name !== 'string' || !isCustomDomain(name));
  if (wrong !== undefined) {
    throw new InvalidError(`${subject}: ${JSON.stringify(wrong)} is no domain`, {
      hint: 'Use lower-case names such as "example.com", "api.example.com" or "*.example.com".',
    });
  }
  if (new Set(domains).size < domains.length) {
    throw new InvalidError(`${subject}: customDomains names a domain twice`);
  }
}
