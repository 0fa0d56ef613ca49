import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { temporaryDirectory } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';

import { fn, manifest, TOKEN } from '../testing/test-client.ts';
import { TestPlatform } from '../testing/test-platform.ts';

let platform: TestPlatform;
let folder: { path: string; remove(): Promise<void> };

beforeAll(async () => {
  folder = await temporaryDirectory('gantry-dashboard-');
  platform = await TestPlatform.start({ dashboardPath: join(folder.path, 'built') });
});

afterAll(async () => {
  await platform?.stop();
  await folder.remove();
});

type Headers = Record<string, string>;

/** A browser of its own: keeps the cookie, and the key that scripts would keep. */
class Browser {
  url = platform.client.url;
  cookie = '';
  key = '';
  setCookie = '';

  async signIn(body: unknown, headers: Headers = {}): Promise<number> {
    const response = await fetch(`${this.url}/v1/browser/session`, {
      method: 'POST',
      headers: { origin: this.url, ...headers },
      body: JSON.stringify(body),
    });
    this.setCookie = response.headers.get('set-cookie') ?? '';
    const reply = (await response.json()) as { key?: string };
    if (response.ok) {
      this.cookie = this.setCookie.split(';')[0] ?? '';
      this.key = reply.key ?? '';
    }
    return response.status;
  }

  ask(path: string, headers: Headers = {}, method = 'GET'): Promise<Response> {
    const own = { cookie: this.cookie, 'gantry-session-key': this.key };
    return fetch(this.url + path, { method, headers: { ...own, ...headers } });
  }

  async status(path: string, headers: Headers = {}, method = 'GET'): Promise<number> {
    return (await this.ask(path, headers, method)).status;
  }
}

async function newCode(token = TOKEN): Promise<string> {
  const { json } = await platform.client.request('POST', '/v1/browser/codes', undefined, {
    authorization: `Bearer ${token}`,
  });
  return String(json['code']);
}

describe('a browser', () => {
  it('signs in with a token, and shows a cookie that no script reads and a key that no other site has', async () => {
    const browser = new Browser();
    expect(await browser.signIn({ token: TOKEN })).toBe(201);
    expect(browser.setCookie).toMatch(/; Path=\/v1; Max-Age=\d+; HttpOnly; SameSite=Strict$/);
    const answer = await browser.ask('/v1/apps');
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);

    expect(await browser.status('/v1/apps', { cookie: '' })).toBe(401);
    expect(await browser.status('/v1/apps', { 'gantry-session-key': '' })).toBe(401);
    expect(await browser.status('/v1/apps', { 'gantry-session-key': 'x'.repeat(32) })).toBe(401);
    const other = new Browser();
    await other.signIn({ token: TOKEN });
    expect(await browser.status('/v1/apps', { cookie: other.cookie })).toBe(401);
  });

  it('is sent its cookie for TLS alone, where a proxy before the server speaks TLS', async () => {
    const browser = new Browser();
    await browser.signIn({ token: TOKEN }, { 'x-forwarded-proto': 'https' });
    expect(browser.setCookie).toMatch(/; SameSite=Strict; Secure$/);
  });

  it('signs in with a code once, however many try at the same time', async () => {
    const code = await newCode();
    const browsers = Array.from({ length: 8 }, () => new Browser());
    const statuses = await Promise.all(browsers.map((browser) => browser.signIn({ code })));
    expect(statuses.sort()).toEqual([201, ...Array.from({ length: 7 }, () => 401)]);
    expect(await new Browser().signIn({ code })).toBe(401);
    expect(await new Browser().signIn({ code: 'never-was' })).toBe(401);
  });

  it('signs in with one thing that is a token or a code, and nothing else', async () => {
    expect(await new Browser().signIn({ token: 'wrong-token' })).toBe(401);
    for (const body of [{}, { token: TOKEN, code: 'c' }, { token: 1 }, { code: null }, [], 'text', null])
      expect(await new Browser().signIn(body), JSON.stringify(body)).toBe(400);
    expect(await new Browser().signIn({ token: 'x'.repeat(5_000) })).toBe(413);
  });

  it('is signed in on every server, and signed out on every one', async () => {
    const another = await platform.startAnotherServer();
    try {
      const browser = new Browser();
      await browser.signIn({ token: TOKEN });
      browser.url = another.url;
      expect(await browser.status('/v1/apps')).toBe(200);
      const out = await browser.ask('/v1/browser/session', {}, 'DELETE');
      expect([out.status, out.headers.get('set-cookie')]).toEqual([
        204,
        expect.stringContaining('gantry-session=; Path=/v1; Max-Age=0'),
      ]);
      browser.url = platform.client.url;
      expect(await browser.status('/v1/apps')).toBe(401);
    } finally {
      await another.stop();
    }
  });

  it('is signed out when the token that it signed in with is revoked', async () => {
    const { json } = await platform.client.request('POST', '/v1/tokens', { name: 'visitor' });
    const token = String(json['token']);
    const [byToken, byCode] = [new Browser(), new Browser()];
    await expect.poll(() => byToken.signIn({ token }), { timeout: 30_000 }).toBe(201);
    await byCode.signIn({ code: await newCode(token) });
    expect(await byCode.status('/v1/apps')).toBe(200);
    const late = await newCode(token);

    await platform.client.request('DELETE', '/v1/tokens/visitor');

    await expect.poll(() => byToken.status('/v1/apps'), { timeout: 30_000 }).toBe(401);
    expect(await byCode.status('/v1/apps')).toBe(401);
    expect(await new Browser().signIn({ code: late })).toBe(401);
  });

  it('looks at apps, and gets no secrets, tokens, files or code, nor changes any', async () => {
    await platform.deployFresh([fn('f')], { name: 'seen' });
    const browser = new Browser();
    await browser.signIn({ token: TOKEN });
    const seen = ['hello', 'environments', 'apps', 'apps/seen', 'apps/seen/functions', 'apps/seen/schedules'];
    for (const path of [...seen, 'apps/seen/deployments', 'apps/seen/logs', 'containers'])
      expect(await browser.status(`/v1/${path}`), path).toBe(200);

    const hidden = [
      'secrets',
      'secrets/a',
      'tokens',
      'proxy-tokens',
      'domains',
      'volumes',
      'blobs/x',
      'dicts',
    ];
    for (const path of [
      ...hidden,
      'apps/seen/interface',
      'apps/seen/functions/f',
      'apps/seen/../../v1/tokens',
    ])
      expect(await browser.status(`/v1/${path}`), path).toBe(403);
    for (const path of ['tokens', 'browser/codes', 'deployments', 'images', 'containers/ta-1/stop'])
      expect(await browser.status(`/v1/${path}`, {}, 'POST'), path).toBe(403);
    expect(await browser.status('/v1/apps/%2e%2e/tokens')).toBe(403);
    expect(await browser.status('/v1/tokens/visitor', {}, 'DELETE')).toBe(403);
    expect(await browser.status('/v1/apps/seen', {}, 'PUT')).toBe(403);
  });

  it('stops apps, rolls them back and runs functions, if a page of its own asks', async () => {
    const deploy = () => platform.client.deploy({ manifest: manifest([fn('f')]), name: 'handled' });
    await deploy();
    await deploy();
    const browser = new Browser();
    await browser.signIn({ token: TOKEN });
    const order = (path: string, headers: Headers = {}) =>
      browser.status(`/v1/apps/handled/${path}`, headers, 'POST');
    for (const path of ['rollback', 'functions/f/run', 'stop']) {
      expect(await order(path, { origin: 'http://127.0.0.1:3000' }), path).toBe(403);
      expect(await order(path, { 'gantry-session-key': '' }), path).toBe(401);
      expect(await order(path), path).toBe(200);
    }
    const app = await platform.client.request('GET', '/v1/apps/handled');
    expect(app.json).toMatchObject({ version: 3, state: 'stopped' });
  });

  it('does nothing for a page of another origin, also one of another port of the same machine', async () => {
    const browser = new Browser();
    await browser.signIn({ token: TOKEN });
    const foreign: Headers[] = [
      { origin: 'https://evil.example' },
      { origin: 'http://127.0.0.1:3000' },
      { origin: 'null' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'none' },
    ];
    for (const headers of foreign) {
      expect(await browser.status('/v1/apps', headers), JSON.stringify(headers)).toBe(403);
      expect(await new Browser().signIn({ token: TOKEN }, headers), JSON.stringify(headers)).toBe(403);
    }
    const own = { origin: browser.url, 'sec-fetch-site': 'same-origin' };
    expect(await browser.status('/v1/apps', own)).toBe(200);
    const preflight = await browser.ask('/v1/apps', { origin: 'https://evil.example' }, 'OPTIONS');
    expect(preflight.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('opens no WebSocket: its cookie is nothing there', async () => {
    const browser = new Browser();
    await browser.signIn({ token: TOKEN });
    const headers = { cookie: browser.cookie, 'gantry-session-key': browser.key, origin: browser.url };
    const socket = new WebSocket(`${browser.url.replace('http', 'ws')}/v1/session?key=abc123`, ['gantry'], {
      headers,
    });
    const status = await new Promise((resolve) => {
      socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
      socket.on('open', () => resolve('open'));
      socket.on('error', () => undefined);
    });
    socket.terminate();
    expect(status).toBe(401);
  });

  it('cannot have a code, which needs a token', async () => {
    const response = await fetch(`${platform.client.url}/v1/browser/codes`, { method: 'POST' });
    expect(response.status).toBe(401);
  });
});

describe('the pages of the dashboard', () => {
  const get = (path: string, headers: Headers = {}) =>
    fetch(platform.client.url + path, { redirect: 'manual', headers });

  it('say that they are not built where they are not, and come once they are', async () => {
    const missing = await get('/apps/local/main/shop');
    expect([missing.status, await missing.text()]).toEqual([503, expect.stringContaining('npm run build')]);
    expect(missing.headers.get('content-security-policy')).toContain("default-src 'none'");

    await mkdir(join(folder.path, 'built', 'assets'), { recursive: true });
    await writeFile(join(folder.path, 'built', 'index.html'), '<title>Gantry</title>');
    await writeFile(join(folder.path, 'built', 'assets', 'index-abc.js'), 'run()');
    await writeFile(join(folder.path, 'built', 'assets', 'index-abc.js.map'), 'source');
    await writeFile(join(folder.path, 'secret.html'), 'outside');

    for (const path of ['/apps', '/apps/', '/apps/ap-1', '/apps/local/main/shop?tab=logs', '/sign-in']) {
      const page = await get(path);
      expect([page.status, await page.text()], path).toEqual([200, '<title>Gantry</title>']);
    }
  });

  it('run nothing but their own scripts, go into no frame, and tell nobody where they are', async () => {
    const { headers } = await get('/apps');
    const policy = headers.get('content-security-policy') ?? '';
    for (const rule of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"])
      expect(policy).toContain(rule);
    expect(policy).toContain("require-trusted-types-for 'script'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    expect(Object.fromEntries(headers)).toMatchObject({
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'cross-origin-opener-policy': 'same-origin',
      'cache-control': 'no-cache',
    });
  });

  it('keep files with a digest in their name for good, and serve no others', async () => {
    const script = await get('/assets/index-abc.js', { 'accept-encoding': 'gzip' });
    expect([script.status, await script.text()]).toEqual([200, 'run()']);
    expect(Object.fromEntries(script.headers)).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
      'content-encoding': 'gzip',
    });
    const plain = await get('/assets/index-abc.js', { 'accept-encoding': 'identity' });
    expect([plain.headers.get('content-encoding'), await plain.text()]).toEqual([null, 'run()']);
    const others = [
      'index-abc.js.map',
      '..%2findex.html',
      '..%2f..%2fsecret.html',
      '%2e%2e/secret.html',
      'x.js',
    ];
    for (const name of others) expect((await get(`/assets/${name}`)).status, name).toBe(404);
  });

  it('begin at the list of apps', async () => {
    const { status, headers } = await get('/');
    expect([status, headers.get('location')]).toEqual([302, '/apps']);
  });
});

describe('the address of an app', () => {
  it('is made of workspace, environment and name for a deployment, and of the id for a run', async () => {
    await platform.client.createEnvironment('staging');
    const deployed = await platform.client.deploy({
      manifest: manifest([fn('a')]),
      name: 'shown',
      environment: 'staging',
    });
    expect(deployed.json['pagePath']).toBe('/apps/local/staging/shown');
    const run = await platform.client.deploy({ manifest: manifest([fn('a')]), ephemeral: true });
    const appId = String(run.json['appId']);
    expect(run.json['pagePath']).toBe(`/apps/${appId}`);
    const found = await platform.client.request('GET', `/v1/apps/${appId}`);
    expect(found.json).toMatchObject({
      pagePath: `/apps/${appId}`,
      deployedAtMs: expect.any(Number) as number,
    });
  });

  it('leads to an app by its id alone, in whatever environment it is', async () => {
    await platform.client.createEnvironment('far');
    const { json } = await platform.client.deploy({
      manifest: manifest([fn('a')]),
      environment: 'far',
      ephemeral: true,
    });
    const path = `/v1/apps/${String(json['appId'])}`;
    expect((await platform.client.request('GET', path)).json).toMatchObject({ environment: 'far' });
    expect((await platform.client.request('GET', `${path}?environment=main`)).status).toBe(404);
    expect((await platform.client.request('GET', '/v1/apps/ap-0123456789abcdefghijkl')).status).toBe(404);
  });
});

it('functions say how they are: what waits, what runs, what starts', async () => {
  platform.worker.handler = () => undefined;
  const { appId, functionId } = await platform.deployFresh([fn('slow', { maxContainers: 1 }), fn('idle')]);
  const session = await platform.client.session();
  session.submit(functionId, [1, 2, 3]);
  const statuses = async () =>
    (await platform.client.request('GET', `/v1/apps/${appId}/functions`)).json['functions'] as unknown[];
  try {
    await expect
      .poll(statuses, { timeout: 40_000 })
      .toContainEqual(expect.objectContaining({ functionId, backlog: 2, numTotalContainers: 1 }));
    expect(await statuses()).toContainEqual(
      expect.objectContaining({
        backlog: 0,
        numTotalContainers: 0,
        numRunningInputs: 0,
        numStartingContainers: 0,
        numSucceededInputs: 0,
        numFailedInputs: 0,
      }),
    );
  } finally {
    session.close();
  }
});
