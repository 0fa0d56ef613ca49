import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { RemoteFunction } from 'gantry';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { print } from './dashboard-app.ts';
import { noBrowserReason, openBrowser, openPage, type OpenedPage } from './browser.ts';
import { startPlatformWith } from './deployed-platform.ts';
import { runCli, type Platform } from './platform.ts';

const ENTRY = 'e2e/dashboard-app.ts';
const PATIENT = { timeout: 60_000, interval: 100 };

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatformWith(ENTRY, ['--driver', 'process']);
});

afterAll(() => platform?.[Symbol.asyncDispose]());

test('deploy ends with the address of the page of its app, and run begins with it', async () => {
  const deployed = await runCli(['deploy', ENTRY, '--name', 'second'], platform.env);
  const link = `${platform.ready.serverUrl}/apps/local/main/second`;
  expect(deployed.stderr.trimEnd().split('\n').at(-1), deployed.stderr).toBe(`  View it at ${link}`);

  const run = await runCli(['run', ENTRY], platform.env);
  expect(run.stderr).toMatch(/Started watched \((ap-\w+)\)[^]*\n {2}View it at http:\S+\/apps\/\1\n/);
  const quiet = await runCli(['run', '-q', ENTRY], platform.env);
  expect(quiet.stderr).not.toContain('View it');
});

describe.skipIf(noBrowserReason)(`in a browser${noBrowserReason ? ` (${noBrowserReason})` : ''}`, () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await openBrowser();
  });

  afterAll(() => browser?.close());

  async function signInLink(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await runCli(['dashboard', ...args], platform.env);
    expect(code, stderr).toBe(0);
    return stdout.trim();
  }

  const textOf = ({ page }: OpenedPage, label: string) =>
    page.getByRole('table', { name: label, exact: true }).innerText();

  test('the link of gantry dashboard signs in once, and shows an app as it is', async () => {
    const link = await signInLink('watched');
    const opened = await openPage(browser, link);
    const { page, errors } = opened;
    await page.getByRole('heading', { name: 'watched' }).waitFor();

    expect(page.url()).toBe(`${platform.ready.serverUrl}/apps/local/main/watched`);
    for (const name of ['print', 'page', 'beat']) expect(await textOf(opened, 'Functions')).toContain(name);
    const address = page.getByRole('link', { name: /^https:.*--watched-page\./ });
    expect(await address.getAttribute('href')).toMatch(/^https:\/\/local--watched-page\.gantry\.localhost:/);
    await page.getByText('every 5 hours').waitFor();
    await page.getByRole('button', { name: 'Run now beat' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Run now' }).click();
    await page.getByText('succeeded (by hand)').waitFor();
    await page.goBack().catch(() => null);
    expect(page.url()).not.toContain('code=');

    await page.goto(`${platform.ready.serverUrl}/apps/local/main/watched?tab=versions`);
    await expect.poll(() => textOf(opened, 'Versions'), PATIENT).toContain('v1');
    await page.getByRole('link', { name: 'Apps', exact: true }).click();
    await expect.poll(() => textOf(opened, 'Apps'), PATIENT).toContain('watched');

    const late = await openPage(browser, link);
    await late.page.getByRole('alert').waitFor();
    expect(await late.page.getByRole('alert').innerText()).toMatch(/used, or is older than two minutes/);
    expect(late.page.url()).toBe(`${platform.ready.serverUrl}/sign-in`);
    expect([...errors, ...late.errors]).toEqual([]);
  });

  test('what code prints comes as it is printed, and stays text whatever it says', async () => {
    const opened = await openPage(browser, await signInLink('watched'));
    const { page, errors } = opened;
    await page.getByRole('link', { name: 'Logs', exact: true }).click();
    await page.getByText('Live', { exact: true }).waitFor();

    const remote = RemoteFunction.fromName<typeof print>('watched', 'print');
    await remote.remote('seen live');

    const line = page.getByText(
      '<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1"> seen live',
    );
    await line.waitFor();
    await page.getByText('trouble', { exact: true }).first().waitFor();
    expect(await page.evaluate('window.hacked')).toBeUndefined();
    expect(await page.locator('#root script, .log-text img').count()).toBe(0);

    await page.getByRole('searchbox', { name: 'Search' }).fill('trouble with');
    await expect.poll(() => line.count(), PATIENT).toBe(0);
    await page.getByRole('searchbox', { name: 'Search' }).fill('');
    await page.getByRole('combobox', { name: 'All functions' }).selectOption('print');
    await line.waitFor();
    await page.getByRole('link', { name: 'Overview', exact: true }).click();
    // It has a container, nothing runs or waits, and what was called succeeded.
    const idle = /print\s+function\s+\d\s+–\s+–\s+[12]\s+–/;
    await expect.poll(() => textOf(opened, 'Functions'), PATIENT).toMatch(idle);
    await page.getByRole('link', { name: 'Containers', exact: true }).click();
    await expect.poll(() => textOf(opened, 'Containers'), PATIENT).toMatch(/ta-\w+\s+print\s+ready/);
    expect(errors).toEqual([]);
  });

  test('without a session every address asks for a token first, then shows what it is of', async () => {
    const opened = await openPage(browser, `${platform.ready.serverUrl}/apps/local/main/watched`);
    const { page } = opened;
    await page.getByLabel('Token').fill('no-such-token');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').waitFor();
    const token = (await readFile(join(platform.ready.dataDir, 'token'), 'utf8')).trim();
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'watched' }).waitFor();
    expect(await page.evaluate('document.cookie + JSON.stringify(localStorage)')).not.toContain(token);
    expect(await page.evaluate('document.cookie')).toBe('');

    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Token').waitFor();
    expect(opened.errors).toEqual([]);
  });
});
