import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';

import { App, Image, Volume } from 'gantry';

import { run } from './programs.ts';
import { type Scene, sceneText } from './scene.ts';

export const app = new App('render-farm');

/** POV-Ray, and a tool of our own that is compiled in the image. */
const renderer = Image.debianSlim()
  .aptInstall('povray', 'tcc', 'libc6-dev')
  .addLocalDir('tools', '/opt/tools', { copy: true, ignore: ['**/*', '!*.c'] })
  .runCommands('tcc -o /usr/local/bin/brightness /opt/tools/brightness.c')
  .env({ POV_QUALITY: '9' })
  .workdir('/frames')
  .entrypoint([]);

const cutter = Image.debianSlim().aptInstall('ffmpeg');

/** Frames by what they show, and clips by their names: what was rendered once is not rendered again. */
const results = Volume.fromName('render-farm', { createIfMissing: true });
const FRAMES = '/results/frames';
const CLIPS = '/results/clips';

/** One picture of a clip. */
export interface FrameOrder {
  scene: Scene;
  frame: number;
  frames: number;
  width: number;
  height: number;
}

/** A rendered picture, as PPM, and its mean brightness from 0 to 255. */
export interface Frame {
  picture: Uint8Array;
  brightness: number;
  /** False if it was in the volume. */
  isNew: boolean;
}

/** Renders one frame: as many containers as there is room for share the frames of a clip. */
export const renderFrame = app.function(
  {
    ...{ image: renderer, cpu: 1, memoryMiB: [256, 1_024], maxContainers: 8, retries: 1, timeoutMs: 120_000 },
    volumes: { '/results': results },
  },
  async (order: FrameOrder): Promise<Frame> => {
    // Other containers may have rendered it since this one started.
    await results.reload();
    const path = join(FRAMES, `${keyOf(order)}.ppm`);
    const known = await readFile(path).catch(() => undefined);
    const picture = known ?? (await render(order));
    if (!known) {
      await mkdir(FRAMES, { recursive: true });
      // Whole or not at all, whenever the volume is committed.
      await writeFile(`${path}.part`, picture);
      await rename(`${path}.part`, path);
      await results.commit();
    }
    return { picture, brightness: Number(await run('brightness', [], picture)), isNew: !known };
  },
);

/** Equal for orders of the same picture. */
function keyOf({ scene, frame, frames, width, height }: FrameOrder): string {
  const quality = process.env['POV_QUALITY'];
  const what = JSON.stringify([sceneText(scene), frame / frames, width, height, quality]);
  return createHash('sha256').update(what).digest('hex');
}

async function render({ scene, frame, frames, width, height }: FrameOrder): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'frame-'));
  try {
    const [source, output] = [join(folder, 'scene.pov'), join(folder, 'frame.ppm')];
    await writeFile(source, sceneText(scene));
    const quality = `+Q${process.env['POV_QUALITY'] ?? '9'}`;
    const flags = ['+FP', `+W${width}`, `+H${height}`, '+A', '-D', quality, `+K${frame / frames}`];
    await run('povray', [`+I${source}`, `+O${output}`, ...flags]);
    return await readFile(output);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * Joins frames into a clip, as MP4, and keeps it in the volume if it is to have a name. It has an image of its own: what
 * renders does not need ffmpeg.
 */
export const combine = app.function(
  { image: cutter, cpu: 1, memoryMiB: 512, nonpreemptible: true, volumes: { '/results': results } },
  async (pictures: Uint8Array[], name: string = '', framesPerSecond: number = 12): Promise<Uint8Array> => {
    const folder = await mkdtemp(join(tmpdir(), 'clip-'));
    try {
      for (const [index, picture] of pictures.entries()) {
        await writeFile(join(folder, `${String(index).padStart(5, '0')}.ppm`), picture);
      }
      const clip = join(folder, 'clip.mp4');
      const input = ['-framerate', String(framesPerSecond), '-i', join(folder, '%05d.ppm')];
      await run('ffmpeg', ['-loglevel', 'error', ...input, '-pix_fmt', 'yuv420p', clip]);
      const content = await readFile(clip);
      if (name !== '') {
        await mkdir(CLIPS, { recursive: true });
        await writeFile(join(CLIPS, name), content);
        await results.commit();
      }
      return content;
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);

/** Takes more memory than a frame may: what happens then. */
export const greedyFrame = app.function(
  { image: renderer, memoryMiB: [64, 256] },
  async (mebibytes: number): Promise<number> => {
    const held = Array.from({ length: mebibytes }, () => Buffer.alloc(1024 * 1024, 1));
    return held.length;
  },
);

/** Renders a clip and writes it to a file. */
export const main = app.localEntrypoint(
  async (frames: number = 24, width: number = 320, height: number = 240, output: string = 'clip.mp4') => {
    const scene: Scene = { turns: 0.25, seed: 7, spheres: 12 };
    const orders = Array.from({ length: frames }, (_, frame) => ({ scene, frame, frames, width, height }));
    const started = performance.now();
    const rendered: Frame[] = [];
    for await (const frame of renderFrame.map(orders)) {
      rendered.push(frame);
      const how = frame.isNew ? 'rendered' : 'from the volume';
      console.log(`frame ${rendered.length} of ${frames}: brightness ${frame.brightness}, ${how}`);
    }
    const pictures = rendered.map(({ picture }) => picture);
    const clip = await combine.remote(pictures, basename(output));
    await pipeline(results.readFile(`clips/${basename(output)}`), createWriteStream(output));
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`${output}: ${frames} frames, ${clip.length} bytes, in ${seconds} s`);
  },
);
