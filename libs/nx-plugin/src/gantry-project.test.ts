import { describe, expect, test } from 'vitest';
import { inferProject } from './gantry-project.ts';

const PROJECT = { name: 'ocr', entry: 'src/app.ts' };

describe('the inferred project', () => {
  test('is an application with the targets build, deploy, serve and run', () => {
    const inferred = inferProject(PROJECT);

    expect(inferred).toMatchObject({ name: 'ocr', projectType: 'application', tags: ['gantry:app'] });
    expect(Object.keys(inferred.targets ?? {})).toEqual(['build', 'deploy', 'serve', 'run']);
  });

  test('builds from the sources of the app and of what it uses, and caches only the build', () => {
    const { targets } = inferProject(PROJECT);

    expect(targets?.['build']).toMatchObject({
      cache: true,
      inputs: ['default', '^default'],
      outputs: ['{projectRoot}/dist/gantry'],
    });
    expect(targets?.['deploy']?.cache).toBeUndefined();
    expect(targets?.['run']?.cache).toBeUndefined();
  });

  test('deploys what was built, and serves until it is stopped', () => {
    const { targets } = inferProject(PROJECT);

    expect(targets?.['deploy']?.dependsOn).toEqual(['build']);
    expect(targets?.['serve']?.continuous).toBe(true);
  });

  test('takes the names of targets and further inputs from the options', () => {
    const { targets } = inferProject(PROJECT, {
      buildTargetName: 'bundle',
      deployTargetName: 'ship',
      buildInputs: ['{workspaceRoot}/schema.json'],
    });

    expect(Object.keys(targets ?? {})).toEqual(['bundle', 'ship', 'serve', 'run']);
    expect(targets?.['ship']?.dependsOn).toEqual(['bundle']);
    expect(targets?.['bundle']?.inputs).toContain('{workspaceRoot}/schema.json');
  });

  test('says of every target what it does and how to learn more', () => {
    for (const [name, target] of Object.entries(inferProject(PROJECT).targets ?? {})) {
      expect(target.metadata?.description).toBeTruthy();
      expect(target.metadata?.help?.command).toBe(`npx gantry ${name} --help`);
    }
  });
});
