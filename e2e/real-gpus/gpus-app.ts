import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { App } from 'gantry';

const app = new App('gpus');

/** What a container sees of GPUs. */
export interface Sight {
  visible: string | undefined;
  /** Device nodes. */
  nodes: string[];
  /** Of `nvidia-smi -L`; what it says instead where it does not work. */
  listed: string;
  /** What a program that uses CUDA found. */
  cuda: { count?: number; name?: string; memoryMiB?: number; error?: number; failed?: string };
}

/** @param program - Of `cuda-probe.c`, compiled. */
function look(program: Uint8Array): Sight {
  const path = join(tmpdir(), `cuda-probe-${process.pid}`);
  writeFileSync(path, program, { mode: 0o755 });
  const run = (name: string, ...words: string[]): string => {
    const { error, stdout, stderr } = spawnSync(name, words, { encoding: 'utf8' });
    return error ? error.message : stdout + stderr;
  };
  const said = run(path);
  return {
    visible: process.env['CUDA_VISIBLE_DEVICES'],
    nodes: readdirSync('/dev').filter((name) => name.startsWith('nvidia')),
    listed: run('nvidia-smi', '-L'),
    cuda: said.startsWith('{') ? (JSON.parse(said) as Sight['cuda']) : { failed: said },
  };
}

export const one = app.function({ gpu: 'any' }, async (program: Uint8Array) => look(program));

export const none = app.function(async (program: Uint8Array) => look(program));

/** No machine has the first one. */
export const second = app.function({ gpu: ['Z1000', 'any'] }, async (program: Uint8Array) => look(program));

export const never = app.function({ gpu: 'Z1000' }, async () => 'never');

async function hold(ms: number): Promise<{ gpus: string[]; fromMs: number; untilMs: number }> {
  const fromMs = Date.now();
  await new Promise((resolve) => setTimeout(resolve, ms));
  return { gpus: process.env['CUDA_VISIBLE_DEVICES']?.split(',') ?? [], fromMs, untilMs: Date.now() };
}

export const left = app.function({ gpu: 'any' }, hold);

export const right = app.function({ gpu: 'any' }, hold);
