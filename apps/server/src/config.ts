import type { BlobStoreConfig } from '@gantry/blobs';
import type { Nearby } from '@gantry/messaging';
import { type HelloReply, InvalidError } from '@gantry/protocol';
import type { Logger } from '@gantry/telemetry';

/** Everything a server process needs to know. */
export interface ServerConfig {
  natsUrl: string;
  /** Directory of this process's own files. */
  dataDir: string;
  blobs: BlobStoreConfig;
  /** Address to listen on. */
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** Keys that seal secrets. @defaultValue those in `secrets.key` of the data directory, made if there are none */
  secretsKey?: string | undefined;
  /** The runner program, for functions that steps of images run. @defaultValue none can */
  runnerPath?: string | undefined;
  /** The folder of the built dashboard. @defaultValue there is none, and a page says so */
  dashboardPath?: string | undefined;
  /** What clients must present. */
  token: string;
  workspace: string;
  /** Operations per second that the workspace may begin. @defaultValue no limit */
  rateLimit?: number | undefined;
  /** A webhook for notices: runs of schedules that failed or were missed, functions that crash or find no machine. @defaultValue none */
  notifyUrl?: string | undefined;
  /** Domain of generated host names. @defaultValue 'gantry.localhost' */
  domain?: string;
  /** Where web endpoints are reached; its scheme and port go into generated URLs. */
  gatewayUrl: string;
  log: Logger;
  /** What answers in this process, if other parts of the platform are in it, too. @defaultValue nothing does */
  nearby?: Nearby | undefined;
  /** Reads text records, by which owners of domains show that they are theirs. @defaultValue the system's DNS */
  resolveText?: ((name: string) => Promise<string[][]>) | undefined;
  /** Whether nats-server syncs each write, as far as the operator knows. @defaultValue 'unknown' */
  durability?: HelloReply['nats']['durability'];
}

/** A configuration with every default filled in. */
export type CompleteServerConfig = Required<Omit<ServerConfig, Absent>> & Pick<ServerConfig, Absent>;

/** What may be left out for good. */
type Absent =
  'dashboardPath' | 'notifyUrl' | 'resolveText' | 'nearby' | 'rateLimit' | 'runnerPath' | 'secretsKey';

/** @throws InvalidError naming the field that cannot be used. */
export function completeConfig(config: ServerConfig): CompleteServerConfig {
  if (config.token.length < 8) {
    throw new InvalidError('the server\'s "token" is too short', { hint: 'Use at least 8 characters.' });
  }
  if (!URL.canParse(config.gatewayUrl)) {
    throw new InvalidError(`the server's "gatewayUrl" is no URL: "${config.gatewayUrl}"`, {
      hint: 'Give scheme, host and port, such as "https://gantry.localhost:7443".',
    });
  }
  return { domain: 'gantry.localhost', durability: 'unknown', ...config };
}
