import { describe, expect, test } from 'vitest';

import { createBuilder } from '../index.ts';
import { aProject, type FixtureProject } from '../project.fixture.ts';
import { appWith, contentOf, imageOf } from './image.fixture.ts';

const FILES = {
  'docker/Dockerfile': 'FROM node:22-slim\nCOPY tools /tools\nCOPY *.json /\n',
  'tools/run.sh': '#!/bin/sh',
  'tools/notes.md': 'notes',
  'lib/other.txt': 'other',
};

async function contextOf(project: FixtureProject, at = 0): Promise<string[]> {
  const step = (await imageOf(project)).steps[at];
  return contentOf(project, step && 'context' in step ? step.context?.path : undefined);
}

describe('an image of a Dockerfile', () => {
  const image = `Image.fromDockerfile('docker/Dockerfile', { addNode: '22' })`;

  test('takes its text along, and the files that it copies, no others', async () => {
    await using project = await aProject({ 'src/app.ts': appWith(image), ...FILES });

    const { steps } = await imageOf(project);

    expect(steps).toMatchObject([{ type: 'dockerfile', text: FILES['docker/Dockerfile'], addNode: '22' }]);
    expect(await contextOf(project)).toEqual(['package.json', 'tools/notes.md', 'tools/run.sh']);
  });

  test.each<[where: string, files: Record<string, string>, options: string]>([
    ['beside it, by its name', { 'docker/Dockerfile.dockerignore': '**/*.md' }, ''],
    ['beside it', { 'docker/.dockerignore': '**/*.md' }, ''],
    ['of the project', { '.dockerignore': '**/*.md' }, ''],
    ['of the options', { '.dockerignore': '**' }, `, { ignore: ['**/*.md'] }`],
  ])('leaves out what a list %s names', async (_where, files, options) => {
    const source = appWith(`Image.fromDockerfile('docker/Dockerfile'${options})`);
    await using project = await aProject({ 'src/app.ts': source, ...FILES, ...files });

    expect(await contextOf(project)).toEqual(['package.json', 'tools/run.sh']);
  });

  test('may copy from another folder', async () => {
    const source = appWith(`Image.fromDockerfile('docker/Dockerfile', { contextDir: 'lib' })`);
    const files = { 'docker/Dockerfile': 'FROM node:22\nCOPY . /x\n' };
    await using project = await aProject({ 'src/app.ts': source, ...FILES, ...files });

    expect(await contextOf(project)).toEqual(['other.txt']);
  });

  test('is built again when it, or what it copies, changes', async () => {
    await using project = await aProject({ 'src/app.ts': appWith(image), ...FILES });
    const builder = createBuilder({ entry: 'src/app.ts', outDir: project.outDir, projectRoot: project.root });

    await builder.build();

    const watched = builder.watchFiles.map((file) => file.slice(project.root.length + 1));
    expect(watched).toEqual(expect.arrayContaining(['docker/Dockerfile', 'tools/run.sh']));
    expect(watched).not.toContain('lib/other.txt');
  });

  test.each<[image: string, message: string]>([
    [`Image.fromDockerfile('Dockerfile')`, 'the Dockerfile "Dockerfile" does not exist'],
    [
      `Image.fromDockerfile('docker/Dockerfile', { ignore: ['tools'] })`,
      'copies "tools", which is not in "."',
    ],
    [`Image.debianSlim().dockerfileCommands('COPY nowhere /x')`, 'copies "nowhere", which is not in "."'],
  ])('whose files are not there is told with file and line: %s', async (wrong, message) => {
    await using project = await aProject({ 'src/app.ts': appWith(wrong), ...FILES });

    expect((await project.mistake()).message).toContain(`src/app.ts:3: `);
    expect((await project.mistake()).message).toContain(message);
  });
});

describe('lines of a Dockerfile', () => {
  test('take along what they copy, also under names of their own', async () => {
    const lines = `['COPY tools/run.sh named.txt /x/', 'RUN ls /x'], { contextFiles: { 'named.txt': 'lib/other.txt' } }`;
    const source = appWith(`Image.debianSlim().dockerfileCommands(${lines})`);
    await using project = await aProject({ 'src/app.ts': source, ...FILES });

    expect((await imageOf(project)).steps[1]).toMatchObject({
      type: 'dockerfileCommands',
      lines: ['COPY tools/run.sh named.txt /x/', 'RUN ls /x'],
    });
    expect(await contextOf(project, 1)).toEqual(['named.txt', 'tools/run.sh']);
  });

  test('that copy nothing have no context', async () => {
    const source = appWith(`Image.debianSlim().dockerfileCommands('RUN true')`);
    await using project = await aProject({ 'src/app.ts': source });

    expect((await imageOf(project)).steps[1]).toEqual({ type: 'dockerfileCommands', lines: ['RUN true'] });
  });
});

describe('other steps of an image', () => {
  test('keep what was written, secrets by reference alone', async () => {
    const source =
      appWith(`Image.fromAwsEcr('1.dkr.ecr.example.com/a:1', { secret: Secret.fromName('aws'), addNode: '22' })
  .pipInstall('numpy==2.1', { pre: true, secrets: [Secret.fromObject({ A: 'correct-horse' })] })
  .pipInstallFromRequirements('lib/requirements.txt')
  .pipInstallFromPyproject('pyproject.toml', { optionalDependencies: ['gpu'] })
  .entrypoint(['/entry']).cmd([]).shell(['/bin/bash', '-c'])`);
    await using project = await aProject({
      'src/app.ts': source,
      'lib/requirements.txt': 'requests\n',
      'pyproject.toml': '',
    });

    const { steps } = await imageOf(project);

    expect(steps).toMatchObject([
      {
        type: 'registry',
        reference: '1.dkr.ecr.example.com/a:1',
        credentials: { kind: 'aws', secret: { type: 'named', name: 'aws' } },
        addNode: '22',
      },
      { type: 'pip', packages: ['numpy==2.1'], pre: true, secrets: [{ type: 'inline', index: 0 }] },
      { type: 'pip', packages: [], requirements: { path: expect.stringContaining('files-') as string } },
      {
        type: 'pip',
        optionalDependencies: ['gpu'],
        requirements: { sizeBytes: expect.any(Number) as number },
      },
      { type: 'entrypoint', words: ['/entry'] },
      { type: 'cmd', words: [] },
      { type: 'shell', words: ['/bin/bash', '-c'] },
    ]);
    expect(JSON.stringify(steps)).not.toContain('correct-horse');
  });
});
