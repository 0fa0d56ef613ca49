import { App, Cls, FunctionCall, RemoteFunction } from 'gantry';

const app = new App('restricted');

type Double = (x: number) => number;

export const double = app.function(async (x: number) => 2 * x);

/** What each way to other objects of the platform ends with. */
export const attempts = app.function(
  { restrictAccess: true },
  async (handle: RemoteFunction<[number], Promise<number>>, callId: string) => {
    const byName = RemoteFunction.fromName<Double>('restricted', 'double');
    const cls = Cls.fromName('restricted', 'Anything');
    const tries = {
      handle: () => handle.remote(1),
      own: () => double.remote(1),
      byName: () => byName.remote(1),
      spawn: () => byName.spawn(1),
      map: async () => {
        for await (const value of byName.map([1, 2])) return value;
        return undefined;
      },
      hydrate: () => cls.hydrate(),
      stats: () => byName.getCurrentStats(),
      earlierCall: () => FunctionCall.fromId(callId).get(),
      cancel: () => FunctionCall.fromId(callId).cancel(),
    };
    const ends: Record<string, string> = {};
    for (const [name, attempt] of Object.entries(tries)) {
      ends[name] = await attempt().then(
        (value) => `got ${JSON.stringify(value)}`,
        (error: Error) => `${error.name}: ${error.message}`,
      );
    }
    return ends;
  },
);
