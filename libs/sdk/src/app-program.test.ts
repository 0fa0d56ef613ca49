import { InvalidError } from '@gantry/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { assertInProgram, type RunningApp } from './app-program.ts';
import { App } from './app.ts';
import { callSiteOf } from './call-site.ts';
import { FakeHost } from './fake-host.fixture.ts';
import { FunctionTarget } from './function-target.ts';

describe('app.run and app.deploy', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('are refused while the app is being built', async () => {
    vi.stubEnv('GANTRY_BUILD', '1');
    await expect(new App('x').run()).rejects.toThrow('app.run() was called while the app is being built');
    await expect(new App('x').deploy()).rejects.toThrow(InvalidError);
  });

  it('are refused while a container loads the module, and in its inputs', () => {
    const host = new FakeHost().install();
    try {
      expect(() => assertInProgram('app.run')).toThrow(
        'app.run() was called while a container loads this module',
      );
      host.current = { inputId: 'in-1', callId: 'fc-1', signal: new AbortController().signal };
      expect(() => assertInProgram('app.run')).toThrow('app.run() cannot build an app inside a container');
    } finally {
      host.uninstall();
    }
  });

  it('refuse options that they do not know', async () => {
    await expect(new App('x').run({ detached: true } as never)).rejects.toThrow('detached');
  });
});

describe('callSiteOf', () => {
  it('says where a function was called', () => {
    function callee() {
      return callSiteOf(callee);
    }
    expect(callee()()).toEqual({ file: import.meta.filename, line: expect.any(Number) as number });
  });

  it('leaves the length of stacks as it was', () => {
    const before = Error.stackTraceLimit;
    callSiteOf(() => undefined);
    expect(Error.stackTraceLimit).toBe(before);
  });
});

describe('a handle', () => {
  let host: FakeHost;
  beforeEach(() => {
    host = new FakeHost().install();
  });
  afterEach(() => host.uninstall());

  it('leads to the app that runs as long as it runs, and then back', async () => {
    let running: RunningApp | undefined;
    host.add('deployed', { name: 'square' }, () => 'deployed');
    host.add('ap-run', { name: 'square' }, () => 'run');
    const target = new FunctionTarget({ name: 'square', apps: () => ['deployed'], running: () => running });
    const appOf = async () => (await target.resolve()).lookup.appId;

    expect(await appOf()).toBe('deployed');
    expect(target.route).toBeDefined();
    running = { appId: 'ap-run', environment: 'main', interactive: false };
    expect(target.route).toBeUndefined();
    expect(await appOf()).toBe('ap-run');
    running = undefined;
    expect(await appOf()).toBe('deployed');
  });
});
