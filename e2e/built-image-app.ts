import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

import { App, Image } from 'gantry';

const FILES = 'e2e/image-files';
const MODELS = '/models';
const run = promisify(execFile);

async function prepare(name: string): Promise<void> {
  await mkdir(MODELS, { recursive: true });
  await writeFile(`${MODELS}/${name}`, `prepared ${name}`);
}

const image = Image.debianSlim()
  .aptInstall('bc')
  .npmInstall('croner@10.0.1')
  .addLocalFile(`${FILES}/greet.sh`, '/opt/tools/greet.sh', { copy: true })
  .runCommands('/opt/tools/greet.sh building > /opt/tools/log', ['echo "scale=3; 22/7" | bc > /opt/tools/pi'])
  .dockerfileCommands(`COPY ${FILES}/lists/numbers.txt /opt/numbers`, 'RUN wc -w < /opt/numbers > /opt/count')
  .runFunction(prepare, { args: ['eng'] })
  .env({ GREETING: 'hello' })
  .workdir('/srv')
  .addLocalDir(`${FILES}/lists`, 'lists');

export const app = new App('built-image', { image });

async function keepVersion(): Promise<void> {
  await writeFile('/opt/built-by', process.version);
}

/** The Node that builds for, and runs, a function whose image asks for another one than the platform's. */
export const nodeVersion = app.function(
  { image: Image.debianSlim({ nodeVersion: '22' }).runFunction(keepVersion) },
  async () => [await readFile('/opt/built-by', 'utf8'), process.version],
);

const croner = image.imports(() => import('croner'));
const text = async (path: string): Promise<string> => (await readFile(path, 'utf8')).trim();

/** What a container of the image sees. */
export const look = app.function(async () => {
  const { Cron } = await croner;
  const { stdout } = await run('bash', ['-c', 'echo "6*7" | bc']);
  return {
    sum: stdout.trim(),
    pi: await text('/opt/tools/pi'),
    log: await text('/opt/tools/log'),
    count: await text('/opt/count'),
    model: await text(`${MODELS}/eng`),
    greeting: process.env['GREETING'],
    folder: process.cwd(),
    words: await text('lists/numbers.txt'),
    next: new Cron('0 0 1 1 *', { timezone: 'UTC' }).nextRun(new Date('2026-05-01'))?.toISOString(),
  };
});
