import { findProgram } from '@gantry/testing';
import { chromium, type Browser, type Page } from 'playwright-core';

const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome'];

const MOST_ATTEMPTS = 20;

const program = PROGRAMS.map((name) => findProgram(name, 'GANTRY_BROWSER')).find(Boolean);

/** Why pages cannot be opened here; undefined where they can. */
export const noBrowserReason = program ? undefined : 'there is no program "chromium" on PATH';

/** Starts a browser without a window. */
export async function openBrowser(): Promise<Browser> {
  // Chromium has no sandbox for root.
  const args = ['--disable-auto-reload', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])];
  return chromium.launch({ ...(program && { executablePath: program }), args });
}

export interface OpenedPage {
  page: Page;
  /** What went wrong in its scripts. */
  errors: string[];
}

/** A page of a visitor who shares nothing with others. */
export async function openPage(browser: Browser, url: string): Promise<OpenedPage> {
  for (let attempt = 1; ; attempt += 1) {
    // The certificate authority of a test's platform is no browser's.
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    try {
      return await open(await context.newPage(), url);
    } catch (error) {
      await context.close();
      // Browsers give up what they load when their machine gets an address, by whatever runs beside.
      if (attempt === MOST_ATTEMPTS || !String(error).includes('ERR_NETWORK_CHANGED')) throw error;
    }
  }
}

async function open(page: Page, url: string): Promise<OpenedPage> {
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  // Pages are told no more than that it failed.
  page.on('requestfailed', (request) => console.log(`${request.url()}: ${request.failure()?.errorText}`));
  page.setDefaultTimeout(60_000);
  await page.goto(url);
  return { page, errors };
}
