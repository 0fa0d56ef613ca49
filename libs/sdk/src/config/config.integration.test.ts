import { lstat, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { AuthError, ConnectionError, InvalidError, NotFoundError } from '@gantry/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { findConnection } from '../connection-settings.ts';
import { ConfigFile } from './config-file.ts';
import { config, configProfiles, configSetActiveProfile, findSetting } from './config.ts';

const FILE = `
[production]
server_url = "https://gantry.example.org/"
token = "gt-production"
environment = "live"
active = true

[staging]
server_url = "https://staging.example.org"
token = "gt-staging"
traceback = "False"
logs_timeout_ms = 500
`;

let folder: string;
let env: Record<string, string>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-config-'));
  env = { GANTRY_DATA_DIR: folder };
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const store = (text: string, name = 'config.toml') => writeFile(join(folder, name), text);
const storeLocal = () =>
  store(JSON.stringify({ serverUrl: 'http://127.0.0.1:1', token: 'gt-local' }), 'connection.json');

describe('the platform that a program works with', () => {
  it('is that of the active profile', async () => {
    await store(FILE);
    await storeLocal();

    expect(findConnection(env)).toEqual({
      serverUrl: 'https://gantry.example.org',
      token: 'gt-production',
      environment: 'live',
    });
  });

  it('is that of GANTRY_PROFILE, or the profile that is asked for; an empty one means the active one', async () => {
    await store(FILE);
    const urlOf = (name: string, profile?: string) =>
      findConnection({ ...env, GANTRY_PROFILE: name }, { profile }).serverUrl;

    expect(urlOf('staging')).toBe('https://staging.example.org');
    expect(urlOf('staging', 'production')).toBe('https://gantry.example.org');
    expect(urlOf('')).toBe('https://gantry.example.org');
    expect(() => urlOf('stagin')).toThrow(NotFoundError);
  });

  it('is none that code in a container may use as whoever it likes, unless it was given one', async () => {
    const inside = { ...env, GANTRY_IS_REMOTE: '1' };
    expect(() => findConnection(env)).toThrow(ConnectionError);
    expect(() => findConnection(inside)).toThrow(AuthError);
    // Plain processes see the files of whoever started the platform.
    await storeLocal();
    await store(FILE);
    expect(() => findConnection(inside)).toThrow(AuthError);
    const given = { ...inside, GANTRY_SERVER_URL: 'http://127.0.0.1:1', GANTRY_TOKEN: 'gt-given' };
    expect(findConnection(given)).toMatchObject({ token: 'gt-given' });
  });

  it('is that of this machine where no profile is active, or the profile "local" is', async () => {
    await storeLocal();
    expect(findConnection(env)).toMatchObject({ token: 'gt-local', environment: 'main' });

    await store(FILE);
    const local = findConnection({ ...env, GANTRY_PROFILE: 'local' });
    expect(local).toMatchObject({ token: 'gt-local', environment: 'main' });
  });

  it('is overridden key by key by environment variables', async () => {
    await store(FILE);

    expect(findConnection({ ...env, GANTRY_ENVIRONMENT: 'test' })).toMatchObject({
      serverUrl: 'https://gantry.example.org',
      environment: 'test',
    });
    expect(findConnection({ ...env, GANTRY_ENVIRONMENT: 'test' }, { environment: 'flag' })).toMatchObject({
      environment: 'flag',
    });
  });

  it('never gets the token of another one: a profile with a server but no token has none', async () => {
    await storeLocal();
    await store('[shared]\nserver_url = "https://gantry.example.org"\nactive = true\n');

    expect(() => findConnection(env)).toThrow(AuthError);
  });

  it('of this machine may have settings in the profile "local"', async () => {
    await storeLocal();
    await store('[local]\nenvironment = "mine"\n');

    expect(findConnection(env)).toMatchObject({ token: 'gt-local', environment: 'mine' });
  });
});

describe('a setting', () => {
  it('says where it comes from', async () => {
    await store(FILE);
    await storeLocal();
    const sourceOf = (more: Record<string, string>) => findSetting('token', { ...env, ...more }).source;

    expect(sourceOf({ GANTRY_TOKEN: 'x' })).toBe('GANTRY_TOKEN');
    expect(sourceOf({})).toBe('profile "production"');
    expect(sourceOf({ GANTRY_PROFILE: 'local' })).toBe('gantry up');
    expect(findSetting('traceback', env)).toEqual({ value: false, source: 'default' });
  });

  it.each(['0', 'false', '"False"', '"false"'])(
    'that is a switch is off where the file says %s',
    async (text) => {
      await store(`[a]\nactive = true\ntraceback = ${text}\n`);
      expect(findSetting('traceback', env).value).toBe(false);
    },
  );

  it.each(['true', '1', '"yes"'])('that is a switch is on where the file says %s', async (text) => {
    await store(`[a]\nactive = true\ntraceback = ${text}\n`);
    expect(findSetting('traceback', env).value).toBe(true);
  });

  it('that has another type than its key takes is an error that names file, profile and key', async () => {
    await store('[a]\nactive = true\nserver_url = 7\nlogs_timeout_ms = "soon"\n');

    const where = (key: string) => `"${key}" of the profile "a" in "${join(folder, 'config.toml')}" must be`;
    expect(() => findSetting('serverUrl', env)).toThrow(`${where('server_url')} an address`);
    expect(() => findSetting('logsTimeoutMs', env)).toThrow(`${where('logs_timeout_ms')} a number`);
    expect(() => findSetting('logsTimeoutMs', { ...env, GANTRY_LOGS_TIMEOUT_MS: 'soon' })).toThrow(
      'GANTRY_LOGS_TIMEOUT_MS must be',
    );
  });
});

describe('config', () => {
  beforeEach(async () => {
    await store(FILE);
    vi.stubEnv('GANTRY_DATA_DIR', folder);
    for (const name of ['SERVER_URL', 'TOKEN', 'ENVIRONMENT', 'PROFILE', 'CONFIG_PATH', 'TRACEBACK']) {
      vi.stubEnv(`GANTRY_${name}`, undefined);
    }
  });

  it('gives settings: environment variable before file before default', () => {
    vi.stubEnv('GANTRY_ENVIRONMENT', 'test');

    expect(config.get('environment')).toBe('test');
    expect(config.get('environment', { useEnv: false })).toBe('live');
    expect(config.get('environment', { profile: 'staging', useEnv: false })).toBe('main');
    expect(config.toObject({ profile: 'staging' })).toEqual({
      serverUrl: 'https://staging.example.org',
      token: 'gt-staging',
      environment: 'test',
      traceback: false,
      forceBuild: false,
      ignoreCache: false,
      buildValidation: 'error',
      logsTimeoutMs: 500,
    });
  });

  it('overrides a setting for this process only', async () => {
    vi.stubEnv('GANTRY_ENVIRONMENT', undefined);

    config.overrideLocally('environment', 'here');

    expect(config.get('environment')).toBe('here');
    expect(process.env['GANTRY_ENVIRONMENT']).toBe('here');
    expect(await readFile(join(folder, 'config.toml'), 'utf8')).toBe(FILE);
    expect(() => config.overrideLocally('logsTimeoutMs', 'soon')).toThrow(InvalidError);
  });

  it('has profiles, of which one is made active', () => {
    expect(configProfiles()).toEqual(['local', 'production', 'staging']);

    configSetActiveProfile('staging');
    expect(config.get('serverUrl')).toBe('https://staging.example.org');
    configSetActiveProfile('local');
    expect(config.get('serverUrl')).toBeUndefined();
    expect(() => configSetActiveProfile('nothing')).toThrow(NotFoundError);
  });
});

describe('the configuration file', () => {
  it('lies where GANTRY_CONFIG_PATH says', async () => {
    await store('[elsewhere]\nactive = true\n', 'other.toml');
    expect(ConfigFile.read({ GANTRY_CONFIG_PATH: join(folder, 'other.toml') }).active).toBe('elsewhere');
  });

  it('keeps what it does not know, is readable by its owner alone, and is made where there is none', async () => {
    const path = join(folder, 'new/config.toml');
    const read = () => ConfigFile.read({ GANTRY_CONFIG_PATH: path });

    read().change('first', { server_url: 'https://a.example.org', later_key: 1 }, { activate: true });
    read().change('first', { environment: 'dev' });

    expect(read().active).toBe('first');
    expect(read().get('first')).toEqual({
      server_url: 'https://a.example.org',
      later_key: 1,
      active: true,
      environment: 'dev',
    });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('may be a link, which stays when it is written', async () => {
    await store('[a]\nactive = true\n', 'kept.toml');
    await symlink(join(folder, 'kept.toml'), join(folder, 'config.toml'));

    ConfigFile.read(env).change('a', { environment: 'dev' });

    expect((await lstat(join(folder, 'config.toml'))).isSymbolicLink()).toBe(true);
    expect(await readFile(join(folder, 'kept.toml'), 'utf8')).toContain('environment = "dev"');
  });

  it('that cannot be written is named', async () => {
    await store('', 'blocked');
    const path = join(folder, 'blocked/config.toml');
    expect(() => ConfigFile.read({ GANTRY_CONFIG_PATH: path }).change('a', {})).toThrow(
      `the file "${path}" cannot be`,
    );
  });

  it('with several active profiles is refused until one is chosen', async () => {
    await store('[a]\nactive = true\n[b]\nactive = true\n');

    expect(() => findConnection(env)).toThrow('the profiles a and b are all active');
    ConfigFile.read(env).activate('b');
    expect(ConfigFile.read(env).active).toBe('b');
  });

  it.each([
    ['[a', 'is not valid TOML, at line 1'],
    ['token = "x"', '"token" in the file'],
    ['["a b"]', '"a b" in the file'],
  ])('that holds %j is refused', async (text, message) => {
    await store(text);
    expect(() => ConfigFile.read(env)).toThrow(message);
  });
});
