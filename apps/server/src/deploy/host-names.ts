import { createHash } from 'node:crypto';

import { type FunctionSpec, GantryError, InvalidError, slug } from '@gantry/protocol';

/** What a host name is made of. */
export interface HostScope {
  workspace: string;
  /** Of the environment; may be empty. */
  webSuffix: string;
  /** Undefined for an ephemeral app without a name. */
  appName: string | undefined;
  ephemeral: boolean;
  domain: string;
}

/** A host name and the method that answers for it. */
export interface HostEntry {
  host: string;
  functionName: string;
  method: string;
  /** A domain of the user. */
  custom?: true;
}

const LABEL_LIMIT = 63;
const KEPT = 56;
const HASH_DIGITS = 6;

/**
 * The host names of all endpoints of an app.
 *
 * @throws GantryError `CONFLICT` when two endpoints come out at the same host, InvalidError for a name without letters or digits.
 */
export function hostsOf(functions: readonly FunctionSpec[], scope: HostScope): HostEntry[] {
  const entries = new Map<string, HostEntry>();
  for (const { name: functionName, kind, methods } of functions) {
    for (const { name: method, web } of methods) {
      if (!web) continue;
      const parts = [scope.appName, functionName, kind === 'class' ? method : undefined];
      const label = web.label ?? slug(parts.filter((part) => part !== undefined).join('-'));
      if (label === '') throw withoutLabel(functionName);
      add(entries, { host: hostName(scope, label), functionName, method });
      // A run beside the deployed app must not take its domains.
      const domains = scope.ephemeral ? [] : (web.customDomains ?? []);
      for (const host of domains) add(entries, { host, functionName, method, custom: true });
    }
  }
  return [...entries.values()];
}

function add(entries: Map<string, HostEntry>, entry: HostEntry): void {
  const { host, functionName, custom } = entry;
  const other = entries.get(host);
  if (other) {
    throw new GantryError(
      'CONFLICT',
      `"${functionName}" and "${other.functionName}" would both answer for "${host}"`,
      {
        hint: custom
          ? 'Give each domain to one of the endpoints.'
          : 'Give one of the endpoints a label of its own.',
      },
    );
  }
  entries.set(host, entry);
}

function withoutLabel(functionName: string): InvalidError {
  return new InvalidError(`no host name can be made of the name "${functionName}"`, {
    hint: 'Give the endpoint a label, or a name with letters or digits.',
  });
}

/** `<workspace>[-<web suffix>]--<label>[-dev].<domain>`, cut to what DNS allows. */
export function hostName(scope: HostScope, label: string): string {
  const { workspace, webSuffix, ephemeral, domain } = scope;
  const source = slug(`${workspace}-${webSuffix}`);
  return `${shorten(`${source}--${label}${ephemeral ? '-dev' : ''}`)}.${domain}`;
}

/** A label of more than 63 characters becomes its first 56, a dash and 6 digits of its SHA-256. */
export function shorten(label: string): string {
  if (label.length <= LABEL_LIMIT) return label;
  const digits = createHash('sha256').update(label).digest('hex').slice(0, HASH_DIGITS);
  return `${label.slice(0, KEPT)}-${digits}`;
}

/** The address of a host behind the gateway. */
export function hostUrl(host: string, gatewayUrl: string): string {
  const { protocol, port } = new URL(gatewayUrl);
  return `${protocol}//${host}${port === '' ? '' : `:${port}`}`;
}
