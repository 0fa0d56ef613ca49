import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { FakeHost } from './fake-host.fixture.ts';
import { forward } from './tunnel.ts';

let host: FakeHost;

beforeEach(() => {
  host = new FakeHost().install();
});
afterEach(() => host.uninstall());

describe('forward', () => {
  it('tells the address of a port over TLS, with the port of the gateway unless it is 443', async () => {
    const tunnel = await forward(8000);
    expect(tunnel.url).toBe('https://t-abc.gantry.example');
    expect(tunnel.tlsSocket).toEqual(['t-abc.gantry.example', 443]);
    host.httpsPort = 8443;
    expect((await forward(8000)).url).toBe('https://t-abc.gantry.example:8443');
    expect(host.forwarded[0]).toMatchObject({ port: 8000, options: { unencrypted: false, http2: false } });
  });

  it('tells the address for plain TCP, where it was asked for', async () => {
    const tunnel = await forward(22, { unencrypted: true });
    expect(tunnel.tcpSocket).toEqual(['gantry.example', 7_000]);
    const encrypted = await forward(22, { h2Enabled: true });
    expect(() => encrypted.tcpSocket).toThrow('this tunnel has no port for plain TCP');
  });

  it('ends with its scope', async () => {
    {
      await using tunnel = await forward(8000);
      expect(tunnel.url).toContain('https://');
      expect(host.forwarded[0]?.isOpen).toBe(true);
    }
    expect(host.forwarded[0]?.isOpen).toBe(false);
  });

  it('ends with the function that is given, whatever becomes of it', async () => {
    expect(await forward(8000, {}, ({ url }) => url)).toBe('https://t-abc.gantry.example');
    const failure = forward(8000, {}, () => Promise.reject(new Error('no')));
    await expect(failure).rejects.toThrow('no');
    expect(host.forwarded.map(({ isOpen }) => isOpen)).toEqual([false, false]);
  });

  it.each([0, 65_536, 80.5, '80' as never])('refuses %s, which is no port', async (port) => {
    await expect(forward(port)).rejects.toThrow(/^forward: the port must be from 1 to 65535/);
  });

  it('refuses options that do not exist', async () => {
    await expect(forward(80, { encrypted: false } as never)).rejects.toThrow(
      'there is no option "encrypted"',
    );
  });

  it('is refused outside of containers', async () => {
    host.uninstall();
    await expect(forward(80)).rejects.toThrow('forward() was called outside of a container');
  });
});
