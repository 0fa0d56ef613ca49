import { execFile } from 'node:child_process';
import { access, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { findTrustStore, type RunProgram, type TrustStoreOptions } from '../platform/trust-store.ts';
import { runProgram } from '../program.ts';
import { createTerminal } from '../terminal/terminal.ts';
import { COMMAND_GROUPS } from './all-commands.ts';
import { createTrustCommand } from './trust.ts';

const AUTHORITY = `-----BEGIN CERTIFICATE-----
MIIBdTCCARugAwIBAgIUBpg45broP4bkD3Cs/LVoAuHdhpMwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjcxNTU1MjhaGA8yMTI2MTEwMzE1NTUy
OFowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABJj0
MTENKXGKbayxwnSW6chp+YA2ypjBTnYUQcG3TAANbdYM54J+Fqz4yrg4aAdwCQuj
miCDsf2PpFJZ4BXw3zCjUzBRMB0GA1UdDgQWBBSBTkkZBYAxQFjmzH2uW/2WB9Ln
ljAfBgNVHSMEGDAWgBSBTkkZBYAxQFjmzH2uW/2WB9LnljAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0gAMEUCIBhPC+0ryTh+pKXyqBd0stgTxcRk13/XBmUZ
SlRwk10ZAiEApyk8XwGzmqnSCLArF4333mK5AoO+IHaN7Ktl6wN93Y4=
-----END CERTIFICATE-----
`;

const NO_AUTHORITY = `-----BEGIN CERTIFICATE-----
MIIBcjCCARigAwIBAgIUK4g8Hfdh8W8DVZ1iRSynI/Se5YQwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjcxNTU1MjhaGA8yMTI2MTEwMzE1NTUy
OFowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABIgG
NTOmipWbvD8W+k7KJEJ9VNkDl4xxG1vk9ZrvF7e+dAWNF+voR+3a1sgOVY9KXN9Z
S46W96nZOEr6OvZAKh6jUDBOMB0GA1UdDgQWBBRsQ3BRt8/J121JE8i5R5k3VDdW
xjAfBgNVHSMEGDAWgBRsQ3BRt8/J121JE8i5R5k3VDdWxjAMBgNVHRMBAf8EAjAA
MAoGCCqGSM49BAMCA0gAMEUCIQCVxEcuCwAUDFnd4jgDu9huZntl92fCWR7swKwu
1i1RMAIgZ5TrNIGluMzxwrEesbtvziQ8iIol3B0LSilUVuB9P+w=
-----END CERTIFICATE-----
`;

let directory: TemporaryDirectory;
let anchors: string;
let ca: string;

beforeEach(async () => {
  directory = await temporaryDirectory('gantry-trust-');
  anchors = join(directory.path, 'anchors');
  ca = join(directory.path, 'ca.pem');
  await mkdir(anchors);
  await writeFile(ca, AUTHORITY);
});
afterEach(() => directory.remove());

/** Runs the command against a store in a folder; resolves to what it printed, and which programs it ran. */
async function trust(
  args: string[],
  options: TrustStoreOptions = {},
  browsers: { env?: Record<string, string>; run?: RunProgram } = {},
) {
  const ran: string[] = [];
  let text = '';
  const run = async (program: string, given: readonly string[]) => ran.push([program, ...given].join(' '));
  const folders = [
    { folder: join(directory.path, 'not-there'), update: ['no'] as [string] },
    { folder: anchors, update: ['update-all', '--now'] as [string, string] },
  ];
  const command = createTrustCommand({
    findStore: () => findTrustStore({ platform: 'linux', folders, run, ...options }),
    run: browsers.run ?? run,
    users: join(directory.path, 'passwd'),
  });
  const out = { write: (part: string) => (text += part) };
  const terminal = createTerminal({ stdout: out, stderr: out, env: {} });
  const env = { GANTRY_DATA_DIR: directory.path, ...browsers.env };
  const context = { terminal, env, cwd: directory.path, programs: new URL('file:///dist/'), version: '1' };
  await runProgram({ commands: [command], groups: COMMAND_GROUPS, context }, ['trust', ...args]);
  return { ran, text };
}

describe('gantry trust', () => {
  test('puts the authority where the system has its own, and takes it away again', async () => {
    const { ran, text } = await trust(['--ca', 'ca.pem']);
    expect(ran).toEqual(['update-all --now']);
    expect(text).toContain(`This machine trusts the certificates of ${ca} (${anchors}).`);
    expect(text).toContain(`NODE_EXTRA_CA_CERTS=${ca}`);
    const [file = '', ...others] = await readdir(anchors);
    expect([file, others]).toEqual([expect.stringMatching(/^gantry-[0-9a-f]{12}\.crt$/), []]);
    expect(await readFile(join(anchors, file), 'utf8')).toBe(AUTHORITY);
    // Again is harmless.
    await trust(['--ca', ca]);
    expect(await readdir(anchors)).toEqual([file]);

    expect((await trust(['--ca', ca, '--remove'])).ran).toEqual(['update-all --now']);
    expect(await readdir(anchors)).toEqual([]);
  });

  test('takes the authority of the platform of this machine, if none is named', async () => {
    const connection = { serverUrl: 'http://127.0.0.1:1', token: 'gt-x', environment: 'main', caPath: ca };
    await writeFile(join(directory.path, 'connection.json'), JSON.stringify(connection));
    expect((await trust([])).text).toContain(`of ${ca} `);
  });

  test('refuses what is no authority', async () => {
    await writeFile(join(directory.path, 'site.pem'), NO_AUTHORITY);
    await expect(trust(['--ca', 'site.pem'])).rejects.toThrow('it is no certificate of an authority');
    await expect(trust(['--ca', 'nowhere.pem'])).rejects.toThrow('cannot be trusted: ENOENT');
    expect(await readdir(anchors)).toEqual([]);
  });

  test('says who may do it when the system refuses, and what to do where no store is known', async () => {
    const refused = trust(['--ca', ca], { run: () => Promise.reject(new Error('not allowed')) });
    await expect(refused).rejects.toMatchObject({
      message: `${anchors} could not be changed: not allowed`,
      hint: expect.stringContaining('sudo gantry trust') as string,
    });
    await expect(trust(['--ca', ca], { folders: [] })).rejects.toMatchObject({
      hint: expect.stringContaining('NODE_EXTRA_CA_CERTS') as string,
    });
  });

  test('asks the keychain of macOS', async () => {
    const keychain = '/Library/Keychains/System.keychain';
    expect((await trust(['--ca', ca], { platform: 'darwin' })).ran).toEqual([
      `security add-trusted-cert -d -r trustRoot -k ${keychain} ${ca}`,
    ]);
    expect((await trust(['--ca', ca, '--remove'], { platform: 'darwin' })).ran).toEqual([
      `security remove-trusted-cert -d ${ca}`,
    ]);
  });
});

const DEBIAN = '/usr/sbin/update-ca-certificates';
const isDebian = await access(DEBIAN).then(
  () => true,
  () => false,
);

test.skipIf(!isDebian)(
  "update-ca-certificates, where it is, takes the file into the system's bundle",
  async () => {
    const [bundles, hooks, config] = ['certs', 'hooks', 'ca.conf'].map((name) => join(directory.path, name));
    for (const folder of [bundles, hooks]) await mkdir(folder ?? '');
    await writeFile(config ?? '', '');
    const run = (program: string, args: readonly string[]) => promisify(execFile)(program, args);
    const update: [string, ...string[]] = [
      ...([DEBIAN, '--localcertsdir', anchors, '--etccertsdir', bundles ?? ''] as [string, ...string[]]),
      ...['--hooksdir', hooks ?? '', '--certsconf', config ?? ''],
    ];
    await trust(['--ca', ca], { folders: [{ folder: anchors, update }], run });
    const bundle = await readFile(join(bundles ?? '', 'ca-certificates.crt'), 'utf8');
    expect(bundle).toContain(AUTHORITY.trim());
  },
);

describe('gantry trust, for browsers', () => {
  /** A home with a store of Chromium and one of Firefox. */
  async function makeHome(): Promise<string> {
    const home = join(directory.path, 'home');
    for (const folder of ['.pki/nssdb', '.mozilla/firefox/abc.default', '.mozilla/firefox/Crash Reports']) {
      await mkdir(join(home, folder), { recursive: true });
      if (!folder.includes('Crash')) await writeFile(join(home, folder, 'cert9.db'), '');
    }
    return home;
  }

  test('adds the authority to the stores of Chromium and Firefox, and takes it away again', async () => {
    const home = await makeHome();
    const { ran, text } = await trust(['--ca', ca], {}, { env: { HOME: home } });
    const added = (store: string) =>
      expect.stringMatching(`^certutil -d sql:${home}/${store} -n gantry-[0-9a-f]{12} -A -t C,, -i ${ca}$`);
    expect(ran.slice(1)).toEqual([added('.pki/nssdb'), added('.mozilla/firefox/abc.default')]);
    expect(text).toContain(`So does the browser of ${home}/.pki/nssdb: start it again.`);
    const removed = await trust(['--ca', ca, '--remove'], {}, { env: { HOME: home } });
    expect(removed.ran[1]).toMatch(/nssdb -n gantry-[0-9a-f]{12} -D$/);
  });

  test('behind sudo, changes the stores of who asked, as that user', async () => {
    const home = await makeHome();
    await writeFile(
      join(directory.path, 'passwd'),
      `root:x:0:0::/root:/bin/sh\nada:x:1000:1000::${home}:/bin/sh\n`,
    );
    const { ran } = await trust(['--ca', ca], {}, { env: { HOME: '/root', SUDO_USER: 'ada' } });
    expect(ran[1]).toMatch(`sudo -u ada certutil -d sql:${home}/.pki/nssdb`);
  });

  test('says what to install where certutil is missing, and leaves browsers alone that nobody has', async () => {
    const home = await makeHome();
    const run: RunProgram = () =>
      Promise.reject(Object.assign(new Error('spawn certutil'), { code: 'ENOENT' }));
    const { text } = await trust(['--ca', ca], {}, { env: { HOME: home }, run });
    expect(text).toContain(
      `The browser of ${home}/.pki/nssdb was left as it is: there is no "certutil": install libnss3-tools`,
    );
    const { text: without } = await trust(['--ca', ca], {}, { env: { HOME: directory.path } });
    expect(without).not.toContain('browser');
  });
});
