import { App, Dict, fastapiEndpoint, RemoteFunction, Volume } from 'gantry';

const app = new App('places');

/** Where it runs, and what it finds there. */
export const where = app.function(async (note: string) => {
  const dict = Dict.fromName<string, boolean>('notes', { createIfMissing: true });
  await dict.put(note, true);
  await Volume.fromName(`of-${note}`, { createIfMissing: true }).hydrate();
  return {
    environment: process.env['GANTRY_ENVIRONMENT'],
    container: process.env['GANTRY_CONTAINER_ID'],
    notes: (await Array.fromAsync(dict.keys())).sort(),
    volumes: (await Volume.list()).map(({ name, environment }) => `${environment}/${name}`),
  };
});

/** The same, asked in an environment from within a container. */
export const ask = app.function(async (note: string, environment?: string) => {
  const options = environment === undefined ? {} : { environment };
  return await RemoteFunction.fromName<typeof where>('places', 'where', options).remote(note);
});

@app.cls()
export class Site {
  @fastapiEndpoint()
  async page(): Promise<string> {
    return process.env['GANTRY_ENVIRONMENT'] ?? '';
  }
}
