import { ContainerError, decodeValue, type LogEntry, registryKeys } from '@gantry/protocol';
import { waitUntil } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { fn, manifest, TestClient, TOKEN } from './testing/test-client.ts';
import { TestPlatform } from './testing/test-platform.ts';

let platform: TestPlatform;

beforeAll(async () => {
  platform = await TestPlatform.start();
});

afterAll(async () => {
  await platform.stop();
});

describe('apps that end', () => {
  it('answers callers that wait for a stopped app, drains its containers and forgets it', async () => {
    const { functionId, appId, appName } = await platform.deployFresh([fn('f', { maxContainers: 1 })]);
    platform.worker.handler = () => undefined;
    const session = await platform.client.session();
    session.submit(functionId, [1, 2, 3]);
    await waitUntil(() =>
      [...platform.worker.containers.values()].some((container) => container.appId === appId),
    );
    const listed = async () => (await platform.client.request('GET', '/v1/containers')).json['containers'];
    const container = expect.objectContaining({ appName, functionName: 'f' }) as unknown;
    await expect.poll(listed, { timeout: 20_000 }).toContainEqual(container);
    expect((await platform.client.request('POST', `/v1/apps/${appName}/stop`)).json).toMatchObject({
      state: 'stopped',
    });
    const outputs = await session.waitFor('output', 3, 25_000);
    expect(outputs.every(({ outcome }) => outcome.type === 'failure')).toBe(true);
    await waitUntil(
      () => ![...platform.worker.containers.values()].some((container) => container.appId === appId),
    );
    session.submit(functionId, [1]);
    expect((await session.waitFor('rejected'))[0]?.error.name).toBe('NotFoundError');
    await waitUntil(
      async () => (await platform.messaging.registry.get(registryKeys.function(functionId))) === undefined,
      {
        timeoutMs: 15_000,
      },
    );
    const fresh = await platform.client.deploy({ manifest: manifest([fn('f')]), name: appName });
    expect(fresh.json['appId']).not.toBe(appId);
    platform.worker.handler = ({ message }) => ({ type: 'value', value: message.args });
    session.close();
  });

  it('fails what waits for an ephemeral app with the error that keeps its code from loading', async () => {
    const { functionId, appId } = await platform.deployFresh([fn('broken')], { ephemeral: true });
    platform.worker.loadFailure = new ContainerError('"broken" cannot start: Cannot find module "x"', {
      cause: new TypeError('Cannot find module "x"'),
    });
    const session = await platform.client.session();
    session.send({ type: 'hold', appId });
    session.submit(functionId, [1]);
    const [output] = await session.waitFor('output', 1, 20_000);
    platform.worker.loadFailure = undefined;
    const outcome = output?.outcome as { type: 'error'; error: Uint8Array };
    expect(outcome.type).toBe('error');
    expect(decodeValue(outcome.error)).toMatchObject({
      name: 'ContainerError',
      message: '"broken" cannot start: Cannot find module "x"',
      cause: { name: 'TypeError', message: 'Cannot find module "x"' },
    });
    const logs = await platform.client.request('GET', `/v1/apps/${appId}/logs`);
    expect(logs.text).toContain('did not load 3 times in a row');
    expect((await platform.client.request('GET', `/v1/apps/${appId}/logs?since=yesterday`)).status).toBe(400);
    session.close();
  });

  it('shows a deployed app whose code does not load as crash-looping, and fails nothing that waits', async () => {
    const { functionId, appId } = await platform.deployFresh([fn('moody')]);
    platform.worker.loadFailure = new Error('no database');
    const session = await platform.client.session();
    session.submit(functionId, [1]);
    const crashLoop = async () => {
      const { json } = await platform.client.request('GET', `/v1/apps/${appId}`);
      return (json['functions'] as { crashLoop?: { failures: number; message: string } }[])[0]?.crashLoop;
    };
    await waitUntil(async () => ((await crashLoop())?.failures ?? 0) >= 3, { timeoutMs: 20_000 });
    expect(await crashLoop()).toMatchObject({ message: 'no database' });
    const logs = await platform.client.request('GET', `/v1/apps/${appId}/logs`);
    expect(logs.text).toContain('\\"moody\\" is crash-looping: 3 containers in a row failed');
    platform.worker.loadFailure = undefined;
    const [output] = await session.waitFor('output', 1, 20_000);
    expect(output?.outcome.type).toBe('value');
    await waitUntil(async () => (await crashLoop()) === undefined, { timeoutMs: 20_000 });
    session.close();
  });

  it('keeps an ephemeral app while a session holds it, and stops it when the session has gone', async () => {
    const { appId } = await platform.deployFresh([fn('f')], { ephemeral: true });
    const session = await platform.client.session();
    session.send({ type: 'hold', appId });
    await new Promise((resolve) => setTimeout(resolve, 18_000));
    expect((await platform.client.request('GET', `/v1/apps/${appId}`)).json).toMatchObject({
      state: 'ephemeral',
    });
    session.close();
    const isStopped = async () =>
      (await platform.client.request('GET', `/v1/apps/${appId}`)).json['state'] === 'stopped';
    await waitUntil(isStopped, { timeoutMs: 25_000 });
  });

  it('ends a detached app by itself when nothing of it waits or runs any more', async () => {
    const request = { ephemeral: true, detach: true };
    const { functionId, appId } = await platform.deployFresh([fn('f')], request);
    const session = await platform.client.session();
    session.submit(functionId, [1]);
    await session.waitFor('output');
    session.close();
    const app = async () => (await platform.client.request('GET', `/v1/apps/${appId}`)).json;
    expect(await app()).toMatchObject({ state: 'detached' });
    await waitUntil(async () => (await app())['state'] === 'stopped', { timeoutMs: 35_000 });
  });

  it('follows a log until the reader leaves', async () => {
    const { appId } = await platform.deployFresh();
    const entry = {
      atMs: Date.now(),
      stream: 'stdout' as const,
      text: 'one',
      containerId: 'c',
      functionName: 'f',
    };
    await platform.messaging.logs.append(appId, 'c', { entries: [entry] });
    const leaving = new AbortController();
    const response = await fetch(`${platform.server.url}/v1/apps/${appId}/logs?follow=1`, {
      headers: { authorization: `Bearer ${TOKEN}` },
      signal: leaving.signal,
    });
    const reader = response.body?.getReader();
    expect(JSON.parse(new TextDecoder().decode((await reader?.read())?.value))).toMatchObject({
      text: 'one',
    });
    await platform.messaging.logs.append(appId, 'c', { entries: [{ ...entry, text: 'two' }] });
    const second = JSON.parse(new TextDecoder().decode((await reader?.read())?.value)) as LogEntry;
    expect(second.text).toBe('two');
    leaving.abort();

    // As one who was interrupted goes on.
    const rest = await platform.client.request('GET', `/v1/apps/${appId}/logs?from=${second.position}`);
    expect(rest.json).toMatchObject({ text: 'two' });
    const wrong = await platform.client.request('GET', `/v1/apps/${appId}/logs?from=x`);
    expect([wrong.status, wrong.json['code']]).toEqual([400, 'INVALID_ARGUMENT']);
  });

  it('follows a log until the app has stopped and its containers are gone', async () => {
    const { appId, functionId } = await platform.deployFresh();
    const session = await platform.client.session();
    session.submit(functionId, [1]);
    await session.waitFor('output');
    session.close();
    const response = await fetch(`${platform.server.url}/v1/apps/${appId}/logs?follow=1`, {
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    const text = response.text();
    await platform.client.request('POST', `/v1/apps/${appId}/stop`);
    const last = {
      atMs: Date.now(),
      stream: 'stdout' as const,
      text: 'bye',
      containerId: 'c',
      functionName: 'f',
    };
    await platform.messaging.logs.append(appId, 'c', { entries: [last] });

    expect(
      (await text)
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { text: string }).text),
    ).toEqual(['bye']);
  });
});

describe('several servers', () => {
  it('schedule one at a time, and another one takes over when the leader ends', async () => {
    const second = await platform.startAnotherServer();
    const secondClient = new TestClient(second.url);
    const { functionId } = await platform.deployFresh([fn('f', { maxContainers: 1 })]);
    const session = await secondClient.session();
    session.submit(functionId, [1]);
    await session.waitFor('output');
    expect(
      platform.worker.commands.filter((command) => command.type === 'start' && command.pool === functionId),
    ).toHaveLength(1);
    const fenceBefore = Math.max(
      ...platform.worker.commands.map((command) => ('fence' in command ? command.fence : 0)),
    );

    const { functionId: next } = await platform.deployFresh();
    await platform.server.stop();
    session.submit(next, [2]);
    await session.waitFor('output', 2, 5_000);
    const startOfNext = platform.worker.commands.find(
      (command) => command.type === 'start' && command.pool === next,
    );
    expect(startOfNext && 'fence' in startOfNext ? startOfNext.fence : 0).toBeGreaterThan(fenceBefore);
    session.close();
    platform.server = second;
    platform.client = secondClient;
  });
});
