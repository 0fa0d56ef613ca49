import { isAbsolute } from 'node:path';

import type { BlobStoreConfig } from '@gantry/blobs';
import { InvalidError } from '@gantry/protocol';
import type { Logger } from '@gantry/telemetry';

import type { AcmeAuthority } from './acme/acme-orders.ts';
import type { PortRange } from './tunnels/tcp-ports.ts';

/** What a gateway needs to know. */
export interface GatewayConfig {
  /** May carry a token or user: `nats://token@host:4222`. */
  natsUrl: string;
  /** Absolute path; certificates are kept in its folder `ca`. */
  dataDir: string;
  /** Address to listen on. */
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** A further port, for plain HTTP, that sends everybody to the other one. @defaultValue none */
  httpPort?: number | undefined;
  /** Parent of every generated host name, such as `gantry.localhost`. */
  domain: string;
  workspace: string;
  /** Operations per second that the workspace may begin. @defaultValue no limit */
  rateLimit?: number | undefined;
  /** Where answers are kept whose clients were sent to a result address. */
  blobs: BlobStoreConfig;
  /** How long a client waits for the head of an answer before that. @defaultValue LIMITS.webWaitMs */
  webWaitMs?: number | undefined;
  /** Where certificates of another authority are, looked at again every 10 s. @defaultValue the gateway's own issues all */
  certificates?: { folder: string; readEveryMs?: number | undefined } | undefined;
  /** An authority that issues certificates for hosts as they are asked for; it asks back at `httpPort`. @defaultValue none */
  acme?: (AcmeAuthority & { retryMs?: number | undefined; sweepMs?: number | undefined }) | undefined;
  /** Keys that seal the keys of those certificates, if not those of the data directory. */
  secretsKey?: string | undefined;
  /** Plain TCP into containers: at which of this machine's ports, and how clients call it. */
  tunnels?:
    | {
        /** @defaultValue any that is free */
        ports?: PortRange | undefined;
        /** @defaultValue the address to listen on if it is one address, else the domain */
        host?: string | undefined;
      }
    | undefined;
  /** How long requests may go on when the gateway stops. @defaultValue 30_000 */
  drainMs?: number | undefined;
  /** How long a client may keep a container waiting for its body, or for room for the answer. @defaultValue 60_000 */
  stallMs?: number | undefined;
  log: Logger;
}

const DOMAIN = /^[a-z0-9-]+(\.[a-z0-9-]+)*$/;

/**
 * Checks a configuration before anything starts.
 *
 * @throws InvalidError naming the field that is wrong.
 */
export function checkConfig(config: GatewayConfig): GatewayConfig {
  if (!DOMAIN.test(config.domain)) {
    throw new InvalidError(`the domain "${config.domain}" is not a domain name`, {
      hint: 'Use lower-case letters, digits, dashes and dots, such as "gantry.localhost".',
    });
  }
  for (const port of [config.port, config.httpPort ?? 0]) {
    if (Number.isInteger(port) && port >= 0 && port <= 65_535) continue;
    throw new InvalidError(`the port "${port}" of the gateway is no port`, {
      hint: 'Use a number from 1 to 65535, or 0 for any free port.',
    });
  }
  if (!isAbsolute(config.dataDir)) {
    throw new InvalidError(`the data directory "${config.dataDir}" is not an absolute path`, {
      hint: 'Pass an absolute path.',
    });
  }
  return config;
}
