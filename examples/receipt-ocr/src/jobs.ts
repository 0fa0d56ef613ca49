import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { gunzipSync } from 'node:zlib';

import { App, currentInputId, Dict, Image, Volume } from 'gantry';
import type { Worker } from 'tesseract.js';

import { drawReceipt, type Order } from './order.ts';
import { isPicture } from './picture.ts';
import { parseReceipt, type Receipt } from './receipt.ts';

export const app = new App('ocr-jobs');

/** What is read with. It stays when the image is built anew, and other apps may have it, too. */
const models = Volume.fromName('ocr-models', { createIfMissing: true });
const MODELS = '/models';

/** Runs once, while the image is built: no container unpacks the model again. */
function unpackModel(): void {
  const require = createRequire('/');
  const packed = require.resolve('@tesseract.js-data/eng/4.0.0_best_int/eng.traineddata.gz');
  // Under its name when it is whole.
  writeFileSync(`${MODELS}/eng.part`, gunzipSync(readFileSync(packed)));
  renameSync(`${MODELS}/eng.part`, `${MODELS}/eng.traineddata`);
}

const reader = Image.debianSlim()
  .npmInstall('tesseract.js@7.0.0', '@tesseract.js-data/eng@1.0.0')
  .runFunction(unpackModel, { volumes: { [MODELS]: models } });
const tesseract = reader.imports(() => import('tesseract.js'));

const press = Image.debianSlim().aptInstall('fontconfig', 'fonts-dejavu-core').npmInstall('sharp@0.35.5');
const sharp = press.imports(() => import('sharp'));

/** Which inputs have failed on purpose already. Kept outside of the containers: a second attempt runs in any. */
const stumbled = Dict.fromName<string, boolean>('ocr-jobs-stumbled', { createIfMissing: true });

let worker: Promise<Worker> | undefined;

/** Loads the model at the first picture; the container's next ones find it in memory. */
async function load(): Promise<Worker> {
  const { createWorker, OEM, PSM } = await tesseract;
  const loaded = await createWorker('eng', OEM.LSTM_ONLY, {
    langPath: MODELS,
    gzip: false,
    cacheMethod: 'none',
    errorHandler: () => {},
  });
  await loaded.setParameters({ tessedit_pageseg_mode: PSM.SINGLE_BLOCK });
  return loaded;
}

/** Reads one receipt. With `stumble` its first attempt fails, as a flaky disk or network would make it. */
export const parse = app.function(
  {
    image: reader,
    volumes: { [MODELS]: models.withMountOptions({ readOnly: true }) },
    cpu: 1,
    memoryMiB: 1_024,
    maxContainers: 4,
    timeoutMs: 60_000,
    scaledownWindowMs: 120_000,
    retries: { maxRetries: 3, initialDelayMs: 500, backoffCoefficient: 2 },
  },
  async (picture: Uint8Array, stumble: boolean = false): Promise<Receipt> => {
    if (!isPicture(picture)) throw new TypeError('these bytes are no PNG, JPEG, WebP or BMP picture');
    if (stumble && (await stumbled.put(currentInputId() ?? '', true, { skipIfExists: true }))) {
      throw new Error('stumbled on purpose; the next attempt will do');
    }
    const { data } = await (await (worker ??= load())).recognize(Buffer.from(picture));
    return parseReceipt(data.text);
  },
);

/** Prints a receipt, as a till would, for tests and for trying things out. */
export const print = app.function(
  { image: press, memoryMiB: 256, scaledownWindowMs: 30_000 },
  async (order: Order): Promise<Uint8Array> => {
    const draw = (await sharp).default;
    return draw(Buffer.from(drawReceipt(order)))
      .png()
      .toBuffer();
  },
);
