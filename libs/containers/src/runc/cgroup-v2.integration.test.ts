import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { ContainerCgroup, type CgroupLayout } from './cgroups.ts';

// Plain folders and files stand in for the kernel's: what is written where can be seen, what it does cannot.
describe('the group of a container, with version 2 alone', () => {
  let work: TemporaryDirectory;
  let layout: CgroupLayout;
  let group: ContainerCgroup;

  const at = (name: string): string => join(work.path, 'gantry/one', name);
  const written = (name: string): string => readFileSync(at(name), 'utf8');

  beforeEach(async () => {
    work = await temporaryDirectory();
    layout = { version: 2, hierarchies: new Map([['unified', work.path]]) };
    group = new ContainerCgroup(layout, 'one');
  });
  afterEach(() => work.remove());

  it('has the controllers that those above pass on, and its limits in files of theirs', () => {
    mkdirSync(at(''), { recursive: true });
    writeFileSync(at('memory.swap.max'), 'max');
    group.create({ cpu: 0.5, cpuLimit: 1.5, memoryMiB: 256 });

    for (const folder of ['', 'gantry']) {
      const passedOn = readFileSync(join(work.path, folder, 'cgroup.subtree_control'), 'utf8');
      expect(passedOn).toBe('+cpu +memory +pids');
    }
    expect(['cpu.weight', 'cpu.max', 'memory.max', 'memory.swap.max', 'pids.max'].map(written)).toEqual([
      ...['20', '150000 100000', '268435456', '0', '2048'],
    ]);
    expect(existsSync(at('cgroup.subtree_control'))).toBe(false);
    expect(group.procsFiles).toEqual([at('cgroup.procs')]);
  });

  it('limits no swap on a machine that counts none', () => {
    group.create({ memoryMiB: 256 });
    expect(existsSync(at('memory.swap.max'))).toBe(false);
  });

  it('gets other limits while it runs', () => {
    group.create({ memoryMiB: 256 });
    group.setLimits({ memoryMiB: 512, cpu: 1 });
    expect([written('memory.max'), written('cpu.weight'), written('pids.max')]).toEqual([
      '536870912',
      '39',
      '2048',
    ]);
  });

  it('tells how many processes were killed for want of memory', () => {
    group.create({});
    expect(group.oomKills).toBe(0);
    writeFileSync(at('memory.events'), 'low 0\nhigh 3\nmax 7\noom 2\noom_kill 2\noom_group_kill 1\n');
    expect(group.oomKills).toBe(2);
  });

  it('ends the processes that are in it, and goes when it is empty', async () => {
    const child = spawn('sleep', ['600']);
    const ended = once(child, 'exit') as Promise<[null, string]>;
    group.create({});
    writeFileSync(at('cgroup.procs'), `${child.pid}\n`);
    expect(group.kill()).toBe(1);
    expect((await ended)[1]).toBe('SIGKILL');
    const empty = new ContainerCgroup(layout, 'two');
    mkdirSync(join(work.path, 'gantry/two'));
    await empty.remove();
    expect(existsSync(join(work.path, 'gantry/two'))).toBe(false);
  });
});
