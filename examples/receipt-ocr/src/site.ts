import { readFile } from 'node:fs/promises';

import {
  App,
  asgiApp,
  FunctionCall,
  Image,
  InputCancellation,
  InvalidError,
  isGantryError,
  NotFoundError,
  OutputExpiredError,
  RemoteFunction,
} from 'gantry';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';

import type { parse } from './jobs.ts';
import { isPicture, readPicture } from './picture.ts';
import type { Receipt } from './receipt.ts';

export const app = new App('ocr-web');

const PAGES = '/srv/site';
const LARGEST_PICTURE = 20 * 1024 * 1024;
const image = Image.debianSlim().addLocalDir('site', PAGES);

/** A page to upload receipts, and the calls behind it. It needs no model: another app reads the pictures. */
export const site = app.function(
  { image, scaledownWindowMs: 120_000 },
  asgiApp({}, () => {
    const read = RemoteFunction.fromName<typeof parse>('ocr-jobs', 'parse');
    return new Hono()
      .get('/', async (c) => c.html(await readFile(`${PAGES}/index.html`, 'utf8')))
      .post('/receipts', bodyLimit({ maxSize: LARGEST_PICTURE }), async (c) => {
        const picture = await readPicture(c.req.raw);
        if (!picture || !isPicture(picture)) return c.json({ error: 'This is no picture.' }, 422);
        const { id } = await read.spawn(picture);
        return c.json({ id }, 202, { location: `/receipts/${id}` });
      })
      .get('/receipts/:id', async (c) => {
        const found = await look(c.req.param('id'));
        return c.json(found.body, found.status);
      })
      .get('/receipts/:id/graph', async (c) => c.json(await callOf(c.req.param('id')).getCallGraph()))
      .delete('/receipts/:id', async (c) => {
        await callOf(c.req.param('id')).cancel();
        return c.body(null, 204);
      })
      .onError((error, c) => {
        if (isUnknown(error)) return c.json({ error: 'There is no such receipt.' }, 404);
        return c.json({ error: error.message }, 500);
      });
  }),
);

function callOf(id: string): FunctionCall<Receipt> {
  return FunctionCall.fromId<Receipt>(id);
}

/** True for ids of calls that never were, and for what is no id at all. */
function isUnknown(error: unknown): boolean {
  return error instanceof NotFoundError || error instanceof InvalidError;
}

/** The state of a call, asked for once: whoever waits comes again. */
async function look(id: string): Promise<{ status: 200 | 202 | 404 | 410 | 422; body: object }> {
  try {
    return { status: 200, body: await callOf(id).get({ timeoutMs: 0 }) };
  } catch (error) {
    if (isGantryError(error, 'TIMED_OUT')) return { status: 202, body: { state: 'reading' } };
    if (error instanceof OutputExpiredError) return { status: 404, body: { error: 'This receipt is gone.' } };
    if (error instanceof InputCancellation) return { status: 410, body: { error: 'You cancelled it.' } };
    if (isUnknown(error)) throw error;
    return { status: 422, body: { error: error instanceof Error ? error.message : String(error) } };
  }
}
