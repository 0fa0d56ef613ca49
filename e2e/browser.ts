import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

import { chromium, type Browser, type Page } from 'playwright-core';

const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome'];

const MOST_ATTEMPTS = 10;

const program = findBrowser();

/** Why pages cannot be opened here; undefined where they can. */
export const noBrowserReason = program ? undefined : 'there is no program "chromium" on PATH';

/** Starts a browser without a window. */
export async function openBrowser(): Promise<Browser> {
  // Chromium has no sandbox for root.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ ...(program && { executablePath: program }), args });
}

/** A page of a visitor who shares nothing with others. What goes wrong in its scripts is in `errors`. */
export async function openPage(browser: Browser, url: string): Promise<{ page: Page; errors: string[] }> {
  // The certificate authority of a test's platform is no browser's.
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.setDefaultTimeout(60_000);
  await visit(page, url);
  return { page, errors };
}

/** Opens an address, also while the network of this machine changes, which makes browsers give up. */
async function visit(page: Page, url: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await page.goto(url);
      return;
    } catch (error) {
      if (attempt === MOST_ATTEMPTS || !String(error).includes('ERR_NETWORK_CHANGED')) throw error;
    }
  }
}

function findBrowser(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return PROGRAMS.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
