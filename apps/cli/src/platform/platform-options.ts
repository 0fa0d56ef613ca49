import { DEFAULTS } from '@gantry/protocol';
import path from 'node:path';

import type { CommandOptions, OptionSpec } from '../command.ts';
import { parseInteger } from '../option-values.ts';
import { UsageError } from '../usage-error.ts';
import type { BlobStoreConfig, GatewayConfig, WorkerConfig } from './parts.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Where large things live: in the data directory, unless an S3 store is named. */
export const BLOB_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '--s3-endpoint <url>',
    description: 'S3 store for large data',
    fallback: 'GANTRY_S3_ENDPOINT, else disk',
  },
  { flags: '--s3-bucket <name>', description: 'bucket', fallback: 'GANTRY_S3_BUCKET, else gantry' },
  { flags: '--s3-access-key <key>', description: 'access key', fallback: 'GANTRY_S3_ACCESS_KEY' },
  { flags: '--s3-secret-key <key>', description: 'secret key', fallback: 'GANTRY_S3_SECRET_KEY' },
  { flags: '--s3-region <name>', description: 'region', fallback: 'GANTRY_S3_REGION' },
];

export const NATS_URL_OPTION: OptionSpec = {
  flags: '--nats <url>',
  description: 'NATS to join, such as nats://user:password@host:4222',
  fallback: 'GANTRY_NATS_URL',
};

export const DOMAIN_OPTIONS: readonly OptionSpec[] = [
  { flags: '--domain <name>', description: 'domain of web endpoints', fallback: 'gantry.localhost' },
  { flags: '--workspace <name>', description: 'first part of their names', fallback: DEFAULTS.workspace },
];

/** Certificates for names that all the world knows. */
export const CERTIFICATES_OPTION: OptionSpec = {
  flags: '--certificates <folder>',
  description: 'certificates of another authority: <name>.crt, <name>.key',
  fallback: 'GANTRY_CERTIFICATES, else none',
};

export function readCertificates(options: CommandOptions, env: Env): GatewayConfig['certificates'] {
  const folder = options.text('certificates') ?? env['GANTRY_CERTIFICATES'];
  return folder ? { folder: path.resolve(folder) } : undefined;
}

const LETS_ENCRYPT = 'https://acme-v02.api.letsencrypt.org/directory';

/** Certificates that an authority issues by itself. */
export const ACME_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '--acme-email <address>',
    description: 'get certificates from an authority by ACME, whose terms you agree to, under this address',
    fallback: 'GANTRY_ACME_EMAIL',
  },
  {
    flags: '--acme-directory <url>',
    description: 'that authority; it asks back at --http-port 80, or without one at --https-port 443',
    fallback: "GANTRY_ACME_DIRECTORY, else Let's Encrypt",
  },
];

/** @throws {@link UsageError} for what is no URL over HTTPS. */
export function readAcme(options: CommandOptions, env: Env): GatewayConfig['acme'] {
  const email = options.text('acmeEmail') ?? env['GANTRY_ACME_EMAIL'];
  const asked = options.text('acmeDirectory') ?? env['GANTRY_ACME_DIRECTORY'];
  if (!email && !asked) return undefined;
  const directory = asked || LETS_ENCRYPT;
  if (!URL.canParse(directory) || new URL(directory).protocol !== 'https:') {
    throw new UsageError(`"${directory}" is no directory of an ACME authority`, {
      hint: `Give its URL, such as ${LETS_ENCRYPT}.`,
    });
  }
  return { directory, email: email || undefined };
}

/** Plain TCP into containers, where their code asks for it. */
export const TUNNEL_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '--tunnel-ports <from-to>',
    description: 'ports for plain TCP into containers, such as 20000-20999',
    fallback: 'GANTRY_TUNNEL_PORTS, else any that are free',
  },
  {
    flags: '--tunnel-host <name>',
    description: 'how clients call this machine there',
    fallback: 'GANTRY_TUNNEL_HOST, else its address or the domain',
  },
];

/** @throws {@link UsageError} for what is no range of ports. */
export function readTunnels(options: CommandOptions, env: Env): GatewayConfig['tunnels'] {
  const host = options.text('tunnelHost') ?? env['GANTRY_TUNNEL_HOST'];
  const text = options.text('tunnelPorts') ?? env['GANTRY_TUNNEL_PORTS'];
  if (!text) return { host };
  const [, from, to] = (/^(\d{1,5})-(\d{1,5})$/.exec(text) ?? []).map(Number);
  if (from !== undefined && to !== undefined && from >= 1 && from <= to && to <= 65_535) {
    return { host, ports: { from, to } };
  }
  throw new UsageError(`"${text}" is no range of ports`, { hint: 'Write it as in 20000-20999.' });
}

export const DRIVER_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '--driver <name>',
    description: 'how containers are made: runc keeps them apart, process does not',
    fallback: 'GANTRY_DRIVER, else runc where it can run',
  },
  {
    flags: '--oci-runtime <program>',
    description:
      'OCI runtime of the driver runc, a name or a path; runsc gives each container a kernel of its own',
    fallback: 'GANTRY_OCI_RUNTIME, else crun or runc',
  },
];

/** @throws {@link UsageError} for a driver that does not exist. */
export function readDriver(options: CommandOptions, env: Env): Pick<WorkerConfig, 'driver' | 'ociRuntime'> {
  const driver = options.text('driver') ?? env['GANTRY_DRIVER'] ?? 'auto';
  const ociRuntime = options.text('ociRuntime') ?? env['GANTRY_OCI_RUNTIME'];
  if (driver === 'auto' || driver === 'runc' || driver === 'process') return { driver, ociRuntime };
  throw new UsageError(`there is no driver "${driver}"`, { hint: 'Use auto, runc or process.' });
}

/** Each process of a platform must be given the same. */
export const RATE_LIMIT_OPTION: OptionSpec = {
  flags: '--rate-limit <number>',
  description: 'inputs and web requests that may begin per second, in all',
  fallback: 'GANTRY_RATE_LIMIT, else no limit',
};

/** @throws {@link UsageError} unless it is absent or a whole number from 1. */
export function readRateLimit(options: CommandOptions, env: Env): number | undefined {
  const given = flagOrVariable([options.text('rateLimit'), '--rate-limit'], env, 'GANTRY_RATE_LIMIT');
  return given && parseInteger(given.name, given.text, { min: 1, max: 1_000_000_000 });
}

/** Each server must be given the same. */
export const NOTIFY_OPTION: OptionSpec = {
  flags: '--notify <url>',
  description: 'webhook that is told of failed and missed runs of schedules, and of functions that crash',
  fallback: 'GANTRY_NOTIFY_URL, else none',
};

/** @throws {@link UsageError} for what is no address of a webhook. */
export function readNotifyUrl(options: CommandOptions, env: Env): string | undefined {
  const given = flagOrVariable([options.text('notify'), '--notify'], env, 'GANTRY_NOTIFY_URL');
  if (!given || /^https?:/.test(URL.parse(given.text)?.protocol ?? '')) return given?.text;
  // The address itself may be a secret.
  throw new UsageError(`${given.name} is no address of a webhook`, {
    hint: 'Write it like "https://hooks.example.com/services/…".',
  });
}

/** What was said, and where; undefined for nothing. */
function flagOrVariable(
  [flag, flagName]: [text: string | undefined, name: string],
  env: Env,
  variable: string,
): { text: string; name: string } | undefined {
  const text = flag ?? env[variable];
  return text === undefined || text === ''
    ? undefined
    : { text, name: flag === undefined ? variable : flagName };
}

/** Keys that seal secrets, instead of those in the data directory: base64, the first one seals. */
export const SECRETS_KEY_VARIABLE = 'GANTRY_SECRETS_KEY';

/** Where the machine of a worker is: what `region` and `cloud` of functions ask for. */
export const LABEL_OPTIONS: readonly OptionSpec[] = [
  { flags: '--region <name>', description: 'where this machine is, such as us-east-1' },
  { flags: '--cloud <name>', description: 'whose machine it is' },
  { flags: '--label <names>', description: 'what else functions may ask for as region, separated by commas' },
];

export function readLabels(options: CommandOptions): NonNullable<WorkerConfig['labels']> {
  const others = options.text('label')?.split(',');
  const labels = { region: options.text('region'), cloud: options.text('cloud'), others };
  for (const name of [labels.region, labels.cloud, ...(others ?? [])]) {
    if (name === undefined || /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) continue;
    throw new UsageError(`"${name}" is no label of a worker`, {
      hint: 'Use up to 64 letters, digits, dashes, dots and underscores.',
    });
  }
  return labels;
}

export const DEFAULT_DOMAIN = 'gantry.localhost';

export function readDomain(options: CommandOptions): { domain: string; workspace: string } {
  return {
    domain: options.text('domain') ?? DEFAULT_DOMAIN,
    workspace: options.text('workspace') ?? DEFAULTS.workspace,
  };
}

/** Reads the blob store of a process from flags and environment. */
export function readBlobs(options: CommandOptions, env: Env, dataDir: string): BlobStoreConfig {
  const endpoint = options.text('s3Endpoint') ?? env['GANTRY_S3_ENDPOINT'];
  if (endpoint === undefined) return { type: 'disk', path: path.join(dataDir, 'blobs') };
  return {
    type: 's3',
    endpoint,
    bucket: options.text('s3Bucket') ?? env['GANTRY_S3_BUCKET'] ?? 'gantry',
    accessKey: demand('--s3-access-key', options.text('s3AccessKey') ?? env['GANTRY_S3_ACCESS_KEY']),
    secretKey: demand('--s3-secret-key', options.text('s3SecretKey') ?? env['GANTRY_S3_SECRET_KEY']),
    region: options.text('s3Region') ?? env['GANTRY_S3_REGION'],
  };
}

export function readNatsUrl(options: CommandOptions, env: Env): string {
  return demand('--nats', options.text('nats') ?? env['GANTRY_NATS_URL']);
}

function demand(flag: string, value: string | undefined): string {
  if (value) return value;
  throw new UsageError(`${flag} is missing`, {
    hint: 'See --help for the flag and its environment variable.',
  });
}
