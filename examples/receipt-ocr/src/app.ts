import { createRequire } from 'node:module';
import path from 'node:path';

import { App, enter, exit, fastapiEndpoint, method } from 'gantry';
import { createWorker, OEM, PSM, type Worker } from 'tesseract.js';

import { isPicture, readPicture } from './picture.ts';
import { parseReceipt, type Receipt } from './receipt.ts';

export const app = new App('receipt-ocr');

/** Reads photographed or scanned receipts. */
@app.cls({ cpu: 1, memoryMiB: 1024, scaledownWindowMs: 120_000 })
export class ReceiptReader {
  private worker: Worker | undefined;

  /** Loads the model once per container: every request after the first finds it in memory. */
  @enter()
  async load(): Promise<void> {
    const require = createRequire(import.meta.url);
    const languageFile = require.resolve('@tesseract.js-data/eng/4.0.0_best_int/eng.traineddata.gz');
    this.worker = await createWorker('eng', OEM.LSTM_ONLY, {
      langPath: path.dirname(languageFile),
      // Any other method writes a copy of the model into the working directory.
      cacheMethod: 'none',
      // Without a handler tesseract.js throws outside of our promise when it cannot read a picture.
      errorHandler: () => {},
    });
    // A receipt is one block of lines; automatic layout would cut it into two columns.
    await this.worker.setParameters({ tessedit_pageseg_mode: PSM.SINGLE_BLOCK });
  }

  /** Reads one picture (PNG, JPEG, WebP or BMP). Call it from a program: `reader.read.remote(bytes)`. */
  @method()
  async read(picture: Uint8Array): Promise<Receipt> {
    if (!this.worker) throw new Error('the model is not loaded');
    if (!isPicture(picture)) throw new TypeError('these bytes are no PNG, JPEG, WebP or BMP picture');
    const { data } = await this.worker.recognize(Buffer.from(picture));
    return parseReceipt(data.text);
  }

  /** POST a picture as the body, or as a file of a form, and get its text, items and total. */
  @fastapiEndpoint({ method: 'POST', docs: true })
  async scan(request: Request): Promise<Receipt | Response> {
    const picture = await readPicture(request);
    if (!picture || !isPicture(picture)) return unreadable('This is no PNG, JPEG, WebP or BMP picture.');
    try {
      return await this.read(picture);
    } catch {
      return unreadable('The picture is damaged.');
    }
  }

  @exit()
  async close(): Promise<void> {
    await this.worker?.terminate();
    this.worker = undefined;
  }
}

function unreadable(detail: string): Response {
  const hint = 'Send a picture: curl -F file=@receipt.png <URL>';
  return Response.json({ error: 'not a picture', detail, hint }, { status: 422 });
}
