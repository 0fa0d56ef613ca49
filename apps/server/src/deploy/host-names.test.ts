import { createHash } from 'node:crypto';

import { slug } from '@gantry/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { fn } from '../testing/test-client.ts';
import { hostName, hostsOf, hostUrl, shorten } from './host-names.ts';

const scope = {
  workspace: 'local',
  webSuffix: '',
  appName: 'shop',
  ephemeral: false,
  domain: 'gantry.localhost',
};
const web = { type: 'endpoint' as const, method: 'GET' as const, docs: false };

describe('host names', () => {
  it('are made of workspace, environment, app, function and method', () => {
    const scanner = { ...fn('Scanner'), kind: 'class' as const };
    scanner.methods = ['read', 'find_all'].map((name) => ({ ...scanner.methods[0], name, web }) as never);
    const hosts = hostsOf([fn('check_out', {}, web), fn('silent'), scanner], scope);
    expect(hosts.map(({ host }) => host)).toEqual([
      'local--shop-check-out.gantry.localhost',
      'local--shop-scanner-read.gantry.localhost',
      'local--shop-scanner-find-all.gantry.localhost',
    ]);
    expect(hostName({ ...scope, webSuffix: 'test-1', ephemeral: true }, 'x')).toBe(
      'local-test-1--x-dev.gantry.localhost',
    );
  });

  it('take a label in place of app and function', () => {
    const [entry] = hostsOf([fn('f', {}, { ...web, label: 'speech' })], { ...scope, ephemeral: true });
    expect(entry?.host).toBe('local--speech-dev.gantry.localhost');
  });

  it('are joined by the domains of the user, but not for a run beside the deployed app', () => {
    const functions = [fn('f', {}, { ...web, customDomains: ['api.example.com', '*.example.com'] })];
    expect(hostsOf(functions, scope).map(({ host, custom }) => [host, custom])).toEqual([
      ['local--shop-f.gantry.localhost', undefined],
      ['api.example.com', true],
      ['*.example.com', true],
    ]);
    expect(hostsOf(functions, { ...scope, ephemeral: true }).map(({ host }) => host)).toEqual([
      'local--shop-f-dev.gantry.localhost',
    ]);
    const two = ['f', 'g'].map((name) => fn(name, {}, { ...web, customDomains: ['api.example.com'] }));
    expect(() => hostsOf(two, scope)).toThrow('would both answer for "api.example.com"');
  });

  it('cannot be made of names without letters and digits', () => {
    const anonymous = { ...scope, appName: undefined };
    expect(() => hostsOf([fn('___', {}, web)], anonymous)).toThrow(
      'no host name can be made of the name "___"',
    );
  });

  it('hold two dashes side by side only between workspace and label', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (workspace, webSuffix) => {
        fc.pre(slug(workspace) !== '');
        const [label = ''] = hostName({ ...scope, workspace, webSuffix, domain: 'd' }, 'x').split('.');
        if (label.length < 63) expect(label.indexOf('--')).toBe(label.lastIndexOf('--'));
      }),
    );
  });

  it('are cut as a whole, with what a run adds, to 56 characters and a hash', () => {
    const long = 'text-to-speech-really-really-really-really-long-flask-app';
    const whole = `ecorp--${long}-dev`;
    const digits = createHash('sha256').update(whole).digest('hex').slice(0, 6);
    const [label] = hostName({ ...scope, workspace: 'ecorp', ephemeral: true }, long).split('.');
    expect(label).toBe(`${whole.slice(0, 56)}-${digits}`);
    expect(label).toHaveLength(63);
  });

  it('must differ within an app', () => {
    expect(() => hostsOf([fn('a_b', {}, web), fn('a-b', {}, web)], scope)).toThrow('would both answer for');
  });

  it('fit into a DNS label and hold nothing that DNS refuses', () => {
    expect(shorten('x'.repeat(63))).toHaveLength(63);
    expect(shorten('x'.repeat(64))).toMatch(/^x{56}-[0-9a-f]{6}$/);
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(slug(text)).toMatch(/^([a-z0-9]+(-[a-z0-9]+)*)?$/);
        expect(shorten(`local--${slug(text)}`).length).toBeLessThanOrEqual(63);
      }),
    );
  });

  it('are reached through the port of the gateway', () => {
    expect(hostUrl('a.gantry.localhost', 'https://gantry.localhost:7443')).toBe(
      'https://a.gantry.localhost:7443',
    );
    expect(hostUrl('a.example.com', 'https://example.com')).toBe('https://a.example.com');
  });
});
