import { buffer } from 'node:stream/consumers';

import { findRuncProblem } from '@gantry/containers';
import { noBuildsReason } from '@gantry/containers/testing';
import { Client, OutOfMemoryError, RemoteFunction, Volume } from 'gantry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type {
  combine,
  Frame,
  FrameOrder,
  greedyFrame,
  renderFrame,
} from '../examples/render-farm/src/app.ts';
import { runNx, startPlatform, type Platform } from './platform.ts';

const BUILD_LIMIT_MS = 900_000;
const reason = noBuildsReason ?? findRuncProblem()?.message;

describe.skipIf(reason)(`the render farm${reason ? ` (${reason})` : ''}`, () => {
  let platform: Platform;

  beforeAll(async () => {
    platform = await startPlatform({ flags: ['--driver', 'runc'] });
    process.env['GANTRY_DATA_DIR'] = platform.ready.dataDir;
    const deployed = await runNx('render-farm:deploy', platform.env);
    expect(deployed.code, deployed.stdout + deployed.stderr).toBe(0);
  }, BUILD_LIMIT_MS);

  afterAll(async () => {
    await Client.default().close();
    await platform?.[Symbol.asyncDispose]();
  });

  const find = <T extends object>(name: string) => RemoteFunction.fromName<T>('render-farm', name);
  const frames: Frame[] = [];
  const scene = { turns: 0.5, seed: 7, spheres: 4 };
  const order = (frame: number): FrameOrder => ({ scene, frame, frames: 3, width: 48, height: 32 });

  test('renders frames in parallel, with a tool that its image compiled', async () => {
    const orders = [0, 1, 2].map((frame) => order(frame));
    for await (const frame of find<typeof renderFrame>('renderFrame').map(orders)) frames.push(frame);
    expect(frames).toHaveLength(3);
    for (const { picture, brightness } of frames) {
      const pixels = picture.subarray(-3 * 48 * 32);
      const mean = pixels.reduce((sum, byte) => sum + byte, 0) / pixels.length;
      expect(Math.abs(brightness - mean)).toBeLessThan(0.1);
    }
    expect(new Set(frames.map(({ brightness }) => brightness)).size).toBe(3);
  });

  test('renders nothing a second time, wherever it was rendered the first time', async () => {
    expect(frames.map(({ isNew }) => isNew)).toEqual([true, true, true]);
    const orders = [0, 1, 2].map((frame) => order(frame));
    const again: Frame[] = [];
    for await (const frame of find<typeof renderFrame>('renderFrame').map(orders)) again.push(frame);
    expect(again).toEqual(frames.map((frame) => ({ ...frame, isNew: false })));
  });

  test('joins them into a clip in another image, and keeps that in the volume', async () => {
    const clip = await find<typeof combine>('combine').remote(
      frames.map(({ picture }) => picture),
      'test.mp4',
    );
    expect(Buffer.from(clip.subarray(4, 8)).toString()).toBe('ftyp');
    const kept = await buffer(Volume.fromName('render-farm').readFile('clips/test.mp4'));
    expect(kept.equals(clip)).toBe(true);
  });

  test('ends what takes more memory than it may', async () => {
    const greedy = find<typeof greedyFrame>('greedyFrame').remote(1_000);
    await expect(greedy).rejects.toBeInstanceOf(OutOfMemoryError);
  });

  test('builds nothing at the next deploy', async () => {
    const { code, stdout, stderr } = await runNx('render-farm:deploy', platform.env);
    expect(code, stdout + stderr).toBe(0);
    for (const step of ['Debian', 'apt install povray tcc libc6-dev', 'apt install ffmpeg']) {
      expect(stdout + stderr).toMatch(new RegExp(`${step} +cached`));
    }
  });
});
