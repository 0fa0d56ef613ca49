import type { BaseStep, BuildStep } from '@gantry/protocol';
import { describe, expect, it } from 'vitest';

import { planImage, type PlannedSpec, type PlanOptions } from './image-plan.ts';
import type { LayerStep } from './image-steps.ts';

const options: PlanOptions = { nodeVersion: '24.1.0' };
const digest = (digit: string) => `sha256-${digit.repeat(64)}`;
const file = (digit: string, path = 'a.tar.gz') => ({ path, digest: digest(digit), sizeBytes: 1 });
const debian = (...steps: BuildStep[]): PlannedSpec => ({ steps: [{ type: 'debian' }, ...steps] });

function layers(spec: PlannedSpec, given = options): LayerStep[] {
  return planImage(spec, given).steps.filter((step) => step.kind === 'layer');
}

const definitionOf = (step: BuildStep) => layers(debian(step)).at(-1)?.definition;

describe('the plan of an image', () => {
  it('that begins with one that was built has its own steps alone', () => {
    const id = `im-${'a'.repeat(22)}`;
    const { steps } = planImage(
      {
        steps: [
          { type: 'image', id },
          { type: 'run', commands: ['a'] },
        ],
      },
      options,
    );
    expect(steps.map(({ kind, title }) => [kind, title])).toEqual([
      ['kept', id],
      ['layer', 'run a'],
    ]);
  });

  it('begins a Debian with Node of the platform, unless the image asks for another one', () => {
    expect(layers(debian()).map(({ title }) => title)).toEqual(['Debian', 'Node 24.1.0']);
    const other = layers({ steps: [{ type: 'debian', nodeVersion: '22' }] });
    expect(other.at(-1)?.work).toEqual({ type: 'node', version: '22' });
  });

  it('says which Node was asked for, as official images do, and nothing of one that was not', () => {
    const said = (...steps: PlannedSpec['steps']) =>
      planImage({ steps }, options).steps.flatMap((step) => (step.kind === 'config' ? [step.change] : []));
    const node = { type: 'env', variables: { NODE_VERSION: '22' } };
    expect(said({ type: 'debian', nodeVersion: '22' })).toEqual([node]);
    expect(said({ type: 'registry', reference: 'python:3.12', addNode: '22' })).toEqual([node]);
    expect(said({ type: 'debian' })).toEqual([]);
  });

  it('brings Python where it is asked for, or where packages of it are installed', () => {
    const asked = layers({ steps: [{ type: 'debian', pythonVersion: '3.11' }] });
    const used = layers(debian({ type: 'pip', packages: ['numpy'] }));
    expect(asked[2]?.title).toBe('Python 3.11');
    expect(used[2]?.definition).toBe(asked[2]?.definition);
    const project = layers(debian({ type: 'pip', packages: [], optionalDependencies: [] }));
    expect(project.map(({ title }) => title).slice(2)).toEqual(['Python 3.11', 'pip install the project']);
    const poetry = layers(debian({ type: 'poetry', files: file('a') }));
    expect(poetry.map(({ title }) => title).slice(2)).toEqual(['Python 3.11', 'poetry install']);
    expect(() => layers({ steps: [{ type: 'debian', pythonVersion: '3.1' }] })).toThrow(
      'have Python 3.11, not 3.1',
    );
  });

  it('has one layer per step, and none for what only processes see', () => {
    const { steps } = planImage(
      debian(
        { type: 'env', variables: { A: '1' } },
        { type: 'run', commands: ['a', 'b'] },
        { type: 'workdir', path: '/x' },
      ),
      options,
    );
    expect(steps.map(({ kind }) => kind)).toEqual(['layer', 'layer', 'config', 'layer', 'config']);
  });

  it('of a registry has the setup before all that is added', () => {
    const base: BaseStep = {
      ...{ type: 'registry', reference: 'python:3.12' },
      ...{ setupCommands: ['RUN x'], addNode: '22' },
    };
    expect(layers({ steps: [base] }).map(({ title }) => title)).toEqual([
      'pull python:3.12',
      'set up the base',
      'Node 22',
    ]);
  });

  it('of a registry may have any Python that is asked for, as far as the image itself decides', () => {
    const ubuntu: BaseStep = { type: 'registry', reference: 'ubuntu:24.04', addPython: '3.12' };
    expect(layers({ steps: [ubuntu] }).map(({ title }) => title)).toEqual([
      'pull ubuntu:24.04',
      'Python 3.12',
    ]);
  });

  it('of micromamba is pulled, has Node and, where it is asked for or needed, a Python of conda', () => {
    const titles = (...steps: PlannedSpec['steps']) => layers({ steps }).map(({ title }) => title);
    const pull = 'pull docker.io/mambaorg/micromamba:2.3.3';
    expect(titles({ type: 'micromamba' })).toEqual([pull, 'Node 24.1.0']);
    expect(titles({ type: 'micromamba' }, { type: 'pip', packages: ['x'] })).toContain('Python');
    expect(
      titles(
        { type: 'micromamba', reference: 'localhost:5000/mamba:2', pythonVersion: '3.12' },
        { type: 'micromambaInstall', packages: [], specFile: { name: 'env.yaml' } },
      ),
    ).toEqual(['pull localhost:5000/mamba:2', 'Node 24.1.0', 'Python 3.12', 'micromamba install env.yaml']);
    const { steps } = planImage({ steps: [{ type: 'micromamba' }] }, options);
    expect(steps.flatMap((step) => (step.kind === 'config' ? [step.change] : []))).toMatchObject([
      { type: 'env', variables: { MAMBA_DOCKERFILE_ACTIVATE: '1' } },
      { type: 'workdir', path: '/root' },
    ]);
  });

  it('builds a forced step and all after it at each build, and everything if asked to', () => {
    const spec = debian(
      { type: 'run', commands: ['a'] },
      { type: 'run', commands: ['b'], forceBuild: true },
      { type: 'run', commands: ['c'] },
    );
    expect(layers(spec).map(({ forceBuild }) => forceBuild)).toEqual([false, false, false, true, true]);
    const all = layers(spec, { ...options, forceBuild: true });
    expect(all.every(({ forceBuild }) => forceBuild)).toBe(true);
  });
});

describe('the definition of a step', () => {
  it('is about the content of files, not about where the build has put them', () => {
    const copy = (archive: ReturnType<typeof file>) =>
      definitionOf({ type: 'files', archive, remotePath: '/data' });
    expect(copy(file('a', 'one/x.tar.gz'))).toBe(copy(file('a', 'two/x.tar.gz')));
    expect(copy(file('a'))).not.toBe(copy(file('b')));
  });

  it('is the same whether the step is forced or not: what was forced once is used later', () => {
    expect(definitionOf({ type: 'run', commands: ['a'], forceBuild: true })).toBe(
      definitionOf({ type: 'run', commands: ['a'] }),
    );
  });

  it('knows secrets by their names, and those made by code not at all', () => {
    const named = (name: string) =>
      definitionOf({ type: 'run', commands: ['a'], secrets: [{ type: 'named', name }] });
    expect(named('x')).not.toBe(named('y'));
    const inline = (index: number) =>
      definitionOf({ type: 'run', commands: ['a'], secrets: [{ type: 'inline', index }] });
    expect(inline(0)).toBe(inline(5));
  });

  it('of a function is its source and its arguments', () => {
    const step = {
      type: 'function',
      name: 'load',
      sourceDigest: digest('1'),
      args: 'gA==',
      timeoutMs: 1000,
    } as const;
    expect(definitionOf({ ...step, timeoutMs: 2000 })).toBe(definitionOf(step));
    expect(definitionOf({ ...step, sourceDigest: digest('2') })).not.toBe(definitionOf(step));
    expect(definitionOf({ ...step, args: 'gQ==' })).not.toBe(definitionOf(step));
  });
});
