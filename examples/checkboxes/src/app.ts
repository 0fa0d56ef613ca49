import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import {
  App,
  asgiApp,
  concurrent,
  Dict,
  enter,
  exit,
  Image,
  type FetchServer,
  type ServerSocket,
  type WebSocketHandlers,
} from 'gantry';
import { Hono } from 'hono';

import { Board, type Change } from './board.ts';

export const app = new App('checkboxes');

/** What is kept while no container runs. */
const saved = Dict.fromName<string, Uint8Array>('checkboxes', { createIfMissing: true });
const SAVE_EVERY_MS = 2_000;

/** One container has all boxes in its memory, and up to 1,000 visitors at a time. */
@app.cls({
  image: Image.debianSlim().addLocalDir('site', 'site'),
  maxContainers: 1,
  timeoutMs: 3_600_000,
  scaledownWindowMs: 60_000,
})
@concurrent({ maxInputs: 1_000 })
export class Checkboxes {
  /** Another one after a restart: numbers of changes of earlier boards mean nothing to this one. */
  readonly #boardId = randomUUID();
  readonly #visitors = new Set<ServerSocket>();
  #board = new Board();
  #savedVersion = 0;
  #timer: NodeJS.Timeout | undefined;

  @enter() async restore() {
    this.#board = new Board(await saved.get('bits'));
    this.#timer = setInterval(() => {
      this.save().catch((error: unknown) => console.error('the boxes were not saved:', error));
    }, SAVE_EVERY_MS);
  }

  @exit() async end() {
    clearInterval(this.#timer);
    await this.save();
  }

  /** Writes the boxes down, if one has changed since. */
  async save() {
    const { version, bits } = this.#board;
    if (version === this.#savedVersion) return;
    await saved.put('bits', bits);
    this.#savedVersion = version;
  }

  @asgiApp() page() {
    const site = new Hono<{ Bindings: FetchServer }>()
      .get('/', async (c) => c.html(await readFile('site/index.html', 'utf8')))
      .get('/boxes', (c) => c.json(this.#state(c.req.query('board'), Number(c.req.query('since') ?? 0))))
      .put('/boxes/:box', async (c) => {
        const { checked } = await c.req.json<{ checked: boolean }>();
        this.#change({ box: Number(c.req.param('box')), checked: checked === true });
        return c.body(null, 204);
      })
      .get('/live', (c) => (c.env.upgrade(c.req.raw) ? c.body(null) : c.text('a WebSocket, please', 426)));
    const websocket: WebSocketHandlers = {
      open: (socket) => {
        this.#visitors.add(socket);
        socket.send(JSON.stringify(this.#state()));
        this.#tellVisitors();
      },
      message: (_socket, text) => {
        const { box, checked } = JSON.parse(String(text)) as Change;
        this.#change({ box: Number(box), checked: checked === true });
      },
      close: (socket) => {
        this.#visitors.delete(socket);
        this.#tellVisitors();
      },
    };
    return { fetch: site.fetch, websocket };
  }

  /** All boxes, or what changed on this board since a number. */
  #state(boardId?: string, since = 0) {
    const { version, bits } = this.#board;
    const known = { board: this.#boardId, version, visitors: this.#visitors.size };
    if (boardId === this.#boardId) return { ...known, changes: this.#board.changesSince(since) };
    return { ...known, bits: Buffer.from(bits).toString('base64') };
  }

  #change(change: Change) {
    if (this.#board.set(change)) this.#tell({ version: this.#board.version, changes: [change] });
  }

  #tellVisitors() {
    this.#tell({ visitors: this.#visitors.size });
  }

  #tell(news: object) {
    const text = JSON.stringify(news);
    for (const visitor of this.#visitors) visitor.send(text);
  }
}
