import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { DeviceNode } from '../gpus/gpu-access.ts';
import { isRootless } from '../rootless/user-namespace.ts';
import { INIT_PROGRAM } from '../runc/places.ts';
import { requireProgram } from './tool-process.ts';

/** An ordinary user may make no groups of processes, without which runc starts nothing. */
const RUNTIME = isRootless() ? 'crun --cgroup-manager=disabled' : 'runc';

/** Where steps see {@link INIT_PROGRAM}. */
const STEP_INIT = '/dev/gantry/init';

/** What a step's container gets besides what its image says; nothing of it comes into a layer or a history. */
export interface StepSurroundings {
  env: Readonly<Record<string, string>>;
  mounts: readonly { source: string; target: string; writable?: boolean }[];
  /** Nodes in `/dev`. */
  devices?: readonly Pick<DeviceNode, 'path' | 'type' | 'major' | 'minor'>[] | undefined;
}

/**
 * Makes a program that stands in for runc and adds to each container that it creates. Buildah has no other way to
 * give something to a step, or to every step of a Dockerfile, that it does not remember, and that is in no command line.
 *
 * @param folder - Kept from others, since values of secrets are written there; to be removed after the step.
 */
export async function writeStepRuntime(folder: string, surroundings: StepSurroundings): Promise<string> {
  requireProgram(INIT_PROGRAM);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const [program, edit, given] = ['runtime', 'edit.mjs', 'given.json'].map((name) => join(folder, name));
  const mounts = [...surroundings.mounts, { source: INIT_PROGRAM, target: STEP_INIT }];
  await writeFile(given as string, JSON.stringify({ ...surroundings, mounts }), { mode: 0o600 });
  await writeFile(edit as string, EDIT);
  const script = `#!/bin/sh
for word; do
  if [ "$word" = create ]; then
    ${quoted(process.execPath)} ${quoted(edit as string)} ${quoted(given as string)} "$@" || exit 1
    break
  fi
done
exec ${RUNTIME} "$@"
`;
  await writeFile(program as string, script);
  await chmod(program as string, 0o700);
  return program as string;
}

// Mounts go under /dev, which is in memory: so the places they need are made there, not in the layer.
// What is killed has failed, but buildah only sees codes: the init program makes one of a signal.
const EDIT = `
import { readFileSync, writeFileSync } from 'node:fs';
const [, , given, ...words] = process.argv;
const at = words.findIndex((word) => word === '--bundle' || word === '-b');
const path = words[at + 1] + '/config.json';
const config = JSON.parse(readFileSync(path, 'utf8'));
const { env, mounts, devices = [] } = JSON.parse(readFileSync(given, 'utf8'));
const names = new Set(Object.keys(env));
config.process.args = ['${STEP_INIT}', '--', ...config.process.args];
config.process.env = [
  ...(config.process.env ?? []).filter((entry) => !names.has(entry.split('=')[0])),
  ...Object.entries(env).map(([name, value]) => name + '=' + value),
];
config.mounts.push(
  ...mounts.map(({ source, target, writable }) => ({
    source,
    destination: target,
    type: 'bind',
    options: ['rbind', 'nosuid', 'nodev', writable ? 'rw' : 'ro'],
  })),
);
const { linux } = config;
for (const { path, type, major, minor } of devices) {
  (linux.devices ??= []).push({ path, type, major, minor, fileMode: 0o666 });
  ((linux.resources ??= {}).devices ??= []).push({ allow: true, type, major, minor, access: 'rw' });
}
writeFileSync(path, JSON.stringify(config));
`;

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
