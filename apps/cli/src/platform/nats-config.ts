import path from 'node:path';

import { isAtLeast } from './nats-program.ts';

const MAX_PAYLOAD_BYTES = 8 * 1024 * 1024;

export interface NatsConfigOptions {
  dataDir: string;
  port: number;
  user: string;
  password: string;
  /** Acknowledge only what is on disk. */
  syncAlways: boolean;
  /** Of the nats-server that reads it, which refuses to start over a setting that it does not know. */
  version: string;
}

export function natsConfigPath(dataDir: string): string {
  return path.join(dataDir, 'nats.conf');
}

export function natsPidPath(dataDir: string): string {
  return path.join(dataDir, 'nats.pid');
}

export function natsLogPath(dataDir: string): string {
  return path.join(dataDir, 'nats.log');
}

/** The configuration of the embedded `nats-server`: loopback only, one user, streams in the data directory. */
export function natsConfig(options: NatsConfigOptions): string {
  const { dataDir } = options;
  return [
    'server_name: gantry',
    'host: "127.0.0.1"',
    `port: ${options.port}`,
    `max_payload: ${MAX_PAYLOAD_BYTES}`,
    `pid_file: ${quote(natsPidPath(dataDir))}`,
    `log_file: ${quote(natsLogPath(dataDir))}`,
    'logfile_size_limit: 10MB',
    ...(isAtLeast(options.version, [2, 10]) ? ['logfile_max_num: 3'] : []),
    `authorization { user: ${quote(options.user)}, password: ${quote(options.password)} }`,
    'jetstream {',
    `  store_dir: ${quote(path.join(dataDir, 'nats'))}`,
    ...(options.syncAlways ? ['  sync_interval: always'] : []),
    '}',
    '',
  ].join('\n');
}

function quote(text: string): string {
  return JSON.stringify(text);
}
