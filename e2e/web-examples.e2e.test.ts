import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { temporaryDirectory } from '@gantry/testing';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';

import { noBrowserReason, openBrowser, openPage } from './browser.ts';
import { fetchHttps, runCli, runNx, startPlatform, type HttpsRequest, type Platform } from './platform.ts';

const PATIENT = { timeout: 60_000, interval: 100 };
const JSON_TYPE = { 'content-type': 'application/json' };

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform({ flags: ['--driver', 'process'] });
  for (const example of ['web-endpoints', 'checkboxes']) {
    const { code, stdout, stderr } = await runNx(`${example}:deploy`, platform.env);
    expect(code, stdout + stderr).toBe(0);
  }
});

afterAll(() => platform?.[Symbol.asyncDispose]());

function addressOf(label: string, path = '/'): string {
  const { port } = new URL(platform.ready.gatewayUrl);
  return `https://local--${label}.gantry.localhost:${port}${path}`;
}

async function ask(label: string, path: string, more: Partial<HttpsRequest> = {}) {
  const answer = await fetchHttps({ url: addressOf(label, path), caPath: platform.ready.caPath, ...more });
  return { ...answer, json: () => JSON.parse(answer.body) as unknown };
}

async function containers(functionName: string): Promise<string[]> {
  const { stdout } = await runCli(['container', 'list', '--json'], platform.env);
  const listed = JSON.parse(stdout) as { containerId: string; functionName: string; state: string }[];
  return listed
    .filter((one) => one.functionName === functionName && one.state !== 'stopped')
    .map(({ containerId }) => containerId);
}

describe('web-endpoints, deployed by Nx', () => {
  test('takes arguments from the query, the path and headers', async () => {
    const converted = await ask('web-endpoints-convert', '/?celsius=21.5');
    expect(converted.json()).toEqual({ celsius: 21.5, fahrenheit: 70.7 });
    expect(await ask('web-endpoints-convert', '/?celsius=warm')).toMatchObject({ status: 422 });
    expect(await ask('web-endpoints-convert', '/', { method: 'POST' })).toMatchObject({ status: 405 });

    const page = await ask('library', '/books/ulysses/pages/7', { headers: { 'accept-language': 'de' } });
    expect(page.json()).toEqual({ book: 'ulysses', page: 7, language: 'de' });
    expect((await ask('library', '/books/ulysses/pages/last')).status).toBe(422);
    expect((await ask('library', '/films')).status).toBe(404);
  });

  test('takes nested classes as JSON, and says what is wrong where', async () => {
    const send = (order: object) => {
      const body = new TextEncoder().encode(JSON.stringify(order));
      return ask('web-endpoints-order', '/', { method: 'POST', headers: JSON_TYPE, body });
    };
    const customer = { name: 'Ada', email: 'ada@example.org' };
    const lines = [{ article: 'pen', count: 3, cents: 120 }];

    expect((await send({ customer, lines })).json()).toEqual({ thanks: 'Ada', lines: 1, totalCents: 360 });
    const refused = await send({
      customer: { ...customer, email: 'ada' },
      lines: [{ article: 'pen', cents: -1 }],
    });
    expect(refused.status).toBe(422);
    expect((refused.json() as { detail: { loc: unknown }[] }).detail.map(({ loc }) => loc)).toEqual([
      ['body', 'customer', 'email'],
      ['body', 'lines', 0, 'cents'],
    ]);
    expect((await ask('web-endpoints-order', '/openapi.json')).json()).toMatchObject({
      openapi: '3.1.0',
      components: { schemas: { Order: { required: ['customer', 'lines'] }, Line: {}, Customer: {} } },
    });
  });

  test('takes a file beside a parameter, and answers with a file', async () => {
    const form = new FormData();
    form.set('file', new File(['meow'], 'cat.txt', { type: 'text/plain' }));
    const sent = new Response(form);
    const headers = { 'content-type': sent.headers.get('content-type') ?? '' };
    const body = new Uint8Array(await sent.arrayBuffer());
    const uploaded = await ask('web-endpoints-upload', '/?album=cats', { method: 'POST', headers, body });
    expect(uploaded.json()).toMatchObject({ album: 'cats', name: 'cat.txt', type: 'text/plain', size: 4 });

    const chart = await ask('web-endpoints-chart', '/?values=1&values=4');
    expect(chart.headers).toMatchObject({ 'content-type': 'image/svg+xml' });
    expect(chart.body).toMatch(/^<svg .*<\/svg>\n$/);
  });

  test('a class parameter from the query has a container of its own', async () => {
    const visit = async (tenant: string) =>
      (await ask('web-endpoints-station-status', `/?tenant=${tenant}`)).json();

    expect(await visit('north')).toMatchObject({ tenant: 'north', visits: 1 });
    expect(await visit('south')).toMatchObject({ tenant: 'south', visits: 1 });
    expect(await visit('north')).toMatchObject({ tenant: 'north', visits: 2 });
  });

  test('is closed to those without a token, for whom no container starts', async () => {
    expect((await ask('web-endpoints-vault', '/')).status).toBe(401);
    expect(await containers('vault')).toEqual([]);

    const { stdout } = await runCli(['proxy-token', 'new', 'me', '--json'], platform.env);
    const { id, secret } = JSON.parse(stdout) as { id: string; secret: string };
    const headers = { 'gantry-key': id, 'gantry-secret': secret };
    expect((await ask('web-endpoints-vault', '/', { headers })).json()).toMatchObject({
      secret: 'the cake is in the fridge',
    });
  });

  test('has an Express app, unchanged', async () => {
    expect((await ask('web-endpoints-listing', '/books/2')).json()).toEqual({
      id: 2,
      title: 'Invisible Cities',
    });
    expect((await ask('web-endpoints-listing', '/books/9')).status).toBe(404);
    const body = new TextEncoder().encode('{"a":[1]}');
    const echo = await ask('web-endpoints-listing', '/echo', { method: 'POST', headers: JSON_TYPE, body });
    expect(echo.json()).toEqual({ got: { a: [1] } });
  });

  test('a body above the limit of its page is refused', async () => {
    const body = new Uint8Array(5 * 1024 * 1024 + 1_000);
    const headers = { 'content-type': 'application/octet-stream' };
    expect((await ask('web-endpoints-site', '/files', { method: 'POST', headers, body })).status).toBe(413);
  });
});

interface News {
  bits?: string;
  version?: number;
  visitors?: number;
  changes?: { box: number; checked: boolean }[];
}

/** A visitor without a browser. */
class Visitor {
  readonly #socket: WebSocket;
  readonly news: News[] = [];

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data) => this.news.push(JSON.parse(String(data)) as News));
  }

  static async open(): Promise<Visitor> {
    const { host, hostname, port } = new URL(addressOf('checkboxes-checkboxes-page'));
    const options = { ca: await readFile(platform.ready.caPath), servername: hostname, headers: { host } };
    const socket = new WebSocket(`wss://127.0.0.1:${port}/live`, options);
    const visitor = new Visitor(socket);
    await once(socket, 'open');
    return visitor;
  }

  set(box: number, checked: boolean): void {
    this.#socket.send(JSON.stringify({ box, checked }));
  }

  close(): void {
    this.#socket.terminate();
  }
}

interface State extends News {
  board: string;
  version: number;
  bits: string;
}

async function state(path: string): Promise<State> {
  return (await ask('checkboxes-checkboxes-page', path)).json() as State;
}

/** Which boxes are checked. */
async function checkedBoxes(): Promise<number[]> {
  const { bits } = await state('/boxes');
  const bytes = Buffer.from(bits, 'base64');
  return Array.from({ length: bytes.length * 8 }, (_, box) => box).filter(
    (box) => ((bytes[box >> 3] ?? 0) & (1 << (box & 7))) !== 0,
  );
}

describe('checkboxes, deployed by Nx', () => {
  test('50 visitors of one container hear of all that the others do, and it outlives the container', async () => {
    const before = await checkedBoxes();
    const boxes = Array.from({ length: 10_000 }, (_, box) => box).filter((box) => box % 7 === 0);
    const mine = boxes.filter((box) => !before.includes(box)).slice(0, 50);
    const visitors = await Promise.all(mine.map(() => Visitor.open()));
    try {
      visitors.forEach((visitor, at) => visitor.set(mine[at] ?? 0, true));
      for (const { news } of visitors) {
        const heard = () => new Set(news.flatMap(({ changes = [] }) => changes.map(({ box }) => box)));
        await expect.poll(() => heard().size, PATIENT).toBe(50);
      }
      const { board, version, visitors: present } = await state('/boxes');
      expect(present).toBe(50);
      visitors[0]?.set(mine[0] ?? 0, false);
      await expect
        .poll(() => state(`/boxes?board=${board}&since=${version}`), PATIENT)
        .toMatchObject({ version: version + 1, changes: [{ box: mine[0], checked: false }] });
    } finally {
      visitors.forEach((visitor) => visitor.close());
    }
    const expected = [...before, ...mine.slice(1)].sort((a, b) => a - b);
    expect(await checkedBoxes()).toEqual(expected);
    const [container = ''] = await containers('Checkboxes');

    const stopped = await runCli(['container', 'stop', container], platform.env);

    expect(stopped.code, stopped.stderr).toBe(0);
    await expect.poll(() => containers('Checkboxes'), PATIENT).not.toContain(container);
    expect(await checkedBoxes()).toEqual(expected);
    const items = await runCli(['dict', 'items', 'checkboxes'], platform.env);
    expect(items.stdout).toContain('bits');
  });
});

describe.skipIf(noBrowserReason)(`in a browser${noBrowserReason ? ` (${noBrowserReason})` : ''}`, () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await openBrowser();
  });

  afterAll(() => browser?.close());

  test('a page uploads, hears events, and talks with other visitors over a WebSocket', async () => {
    await using folder = await temporaryDirectory('gantry-upload-');
    const file = join(folder.path, 'note.txt');
    await writeFile(file, 'hello');
    const ada = await openPage(browser, addressOf('web-endpoints-site'));
    const bob = await openPage(browser, addressOf('web-endpoints-site'));

    // A browser gives its connections up when the network of its machine changes: what failed is done once more.
    const uploaded = async () => {
      const said = await ada.page.textContent('#uploaded');
      if (said === '' || said?.startsWith('Not uploaded')) await ada.page.setInputFiles('#file', file);
      return said;
    };
    await expect.poll(uploaded, PATIENT).toMatch(/^note\.txt, 5 bytes\s2cf24dba/);
    await expect.poll(() => ada.page.locator('#events li').count(), PATIENT).toBeGreaterThan(2);
    // Whose connection was lost is connected again a moment later, and says it once more.
    const said = async () => {
      await ada.page.fill('#words', 'is anybody here?');
      await ada.page.press('#words', 'Enter');
      return bob.page.textContent('#heard');
    };
    await expect.poll(said, PATIENT).toContain('is anybody here?');
    await expect.poll(() => ada.page.textContent('#addresses'), PATIENT).toContain(addressOf('library', ''));

    expect([...ada.errors, ...bob.errors]).toEqual([]);
  });

  test('a documentation page sends a request', async () => {
    const { page, errors } = await openPage(browser, addressOf('library', '/docs'));
    expect(await page.textContent('main')).toContain('Answer · application/json');

    const fields = page.locator('form input');
    for (const [at, text] of ['ulysses', '7', 'fr'].entries()) await fields.nth(at).fill(text);
    await page.click('button');
    const answer = async () => {
      const shown = await page.textContent('form pre');
      if (shown?.includes('Failed to fetch')) await page.click('button');
      return shown;
    };
    await expect.poll(answer, PATIENT).toContain('"language": "fr"');
    expect(errors).toEqual([]);
  });

  test("two browsers see each other's checkboxes", async () => {
    const url = addressOf('checkboxes-checkboxes-page');
    const ada = await openPage(browser, url);
    const bob = await openPage(browser, url);
    await expect.poll(() => ada.page.textContent('#visitors'), PATIENT).toBe('2');

    for (const checked of [true, false]) {
      // Whose connection was lost has the boxes as they are a moment later, and checks it once more.
      const seen = async () => {
        await ada.page.setChecked('[data-box="43"]', checked);
        return bob.page.isChecked('[data-box="43"]');
      };
      await expect.poll(seen, PATIENT).toBe(checked);
    }

    expect([...ada.errors, ...bob.errors]).toEqual([]);
  });
});
