import { homedir } from 'node:os';

import { isGvisor } from '@gantry/containers';

import type { Style } from '../terminal/style.ts';
import { toDuration } from '../terminal/units.ts';
import type { RunningPlatform } from './start-platform.ts';

/** What `gantry up` says when it is ready, line by line. */
export function summaryLines(platform: RunningPlatform, startMs: number, style: Style): string[] {
  const { connection, nats } = platform;
  const rows: [string, string][] = [
    ['API', style.cyan(connection.serverUrl)],
    [
      'Dashboard',
      `${style.cyan(`${connection.serverUrl}/apps`)} ${style.dim('(sign in: gantry dashboard)')}`,
    ],
    ['Web', style.cyan(connection.gatewayUrl.replace('://', '://*.'))],
    ['CA', tilde(connection.caPath)],
    ['Data', tilde(platform.dataDir)],
    ['Durability', durabilityText(nats)],
    ['Containers', driverText(platform.driver)],
  ];
  const lines = rows.map(([label, value]) => `  ${style.dim(label.padEnd(10))}  ${value}`);
  return [
    '',
    `  ${style.bold(style.green('Gantry is ready'))} ${style.dim(`in ${toDuration(startMs)}`)}`,
    '',
    ...lines,
    '',
    `  ${style.dim('Next'.padEnd(10))}  gantry deploy <entry.ts>   ${style.dim('in another terminal; Ctrl-C stops this one')}`,
    '',
  ];
}

export function durabilityText(nats: Pick<RunningPlatform['nats'], 'version' | 'durability'>): string {
  const version = `nats-server ${nats.version}`;
  return nats.durability === 'synced'
    ? `what is accepted is on disk (${version}, synced)`
    : `what is accepted reaches the disk within two minutes (${version}, not synced)`;
}

function driverText({ name, ociRuntime = 'runc', why }: RunningPlatform['driver']): string {
  const runtime = isGvisor(ociRuntime) ? `gVisor (${ociRuntime})` : ociRuntime;
  const text = name === 'runc' ? `isolated, by ${runtime}` : 'processes of this machine, without isolation';
  return why === undefined ? text : `${text} (${why})`;
}

/** Paths below the home folder start with `~`. */
function tilde(file: string): string {
  const home = homedir();
  return file.startsWith(`${home}/`) ? `~${file.slice(home.length)}` : file;
}
