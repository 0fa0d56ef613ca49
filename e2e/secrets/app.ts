import { App, Secret } from 'gantry';

const app = new App('vault', {
  env: { SHARED: 'plain', STAGE: 'plain' },
  secrets: [Secret.fromName('shared', { requiredKeys: ['SHARED'] })],
});

const values = (...names: string[]) => names.map((name) => process.env[name] ?? null);

/** What the app's default says. */
export const shared = app.function(async (...names: string[]) => values(...names));

/** Of every kind; the later one wins. */
export const all = app.function(
  {
    secrets: [
      Secret.fromName('shared'),
      Secret.fromObject({ FROM_OBJECT: 'object-value', LEFT_OUT: null, SHARED: 'object-wins' }),
      Secret.fromDotenv(),
      Secret.fromLocalEnviron(['LOCAL_TOKEN']),
      Secret.fromObject({ GANTRY_FUNCTION_NAME: 'mine', GANTRY_REGION: 'mine' }),
    ],
  },
  async (...names: string[]) => values(...names),
);

/** Shows its secrets, on purpose and by accident. */
export const leak = app.function({ secrets: [Secret.fromLocalEnviron(['LOCAL_TOKEN'])] }, async () => {
  const token = process.env['LOCAL_TOKEN'] ?? '';
  const shown = process.env['SHARED'] ?? '';
  console.log(`token=${token} shared=${shown}`);
  process.stdout.write(token.slice(0, 7));
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  process.stdout.write(`${token.slice(7)}\n`);
  console.error(JSON.stringify({ token }), Buffer.from(token).toString('base64'));
  return token.length;
});
