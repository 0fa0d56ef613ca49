/**
 * The program of the child process that evaluates a bundle, as text, so that it works wherever this library is
 * bundled into. It imports the bundle named in the first message it gets, and answers with what was registered; then
 * it tells which paths the app's rules leave out of its images. Or it answers with the values of those inline secrets
 * that the message asks for, and the files that they came from.
 */
export const EVALUATOR_SCRIPT = `
const KINDS = { AsyncFunction: 'async', GeneratorFunction: 'generator', AsyncGeneratorFunction: 'asyncGenerator' };
const kindOf = (fn) => KINDS[Object.getPrototypeOf(fn ?? (() => {}))?.constructor?.name] ?? 'sync';
Error.stackTraceLimit = 50;

function plainOptions(options) {
  // JSON would turn these into null, and the message about them would name the wrong value.
  return JSON.parse(JSON.stringify(options ?? {}, (key, value) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value)
    : typeof value === 'function' || typeof value === 'bigint' || typeof value === 'symbol' ? String(value) : value));
}

const images = [];

function indexOfImage(image) {
  const draft = image?.[Symbol.for('gantry.image')];
  if (draft === undefined) return undefined;
  const at = images.indexOf(draft);
  return at < 0 ? images.push(draft) - 1 : at;
}

function describeUnit(unit) {
  const { kind, name, site, web, concurrent, batched, clustered } = unit;
  const { image, ...options } = unit.options ?? {};
  const shared = {
    kind, name, site, concurrent, batched, clustered, options: plainOptions(options), image: indexOfImage(image),
  };
  if (kind === 'function') return { ...shared, web, handlerKind: kindOf(unit.fn) };
  const { methods, enter, exit, parameters, target } = unit;
  return {
    ...shared, enter, exit, parameters,
    methods: methods.map((method) => ({ ...method, handlerKind: kindOf(target.prototype[method.name]) })),
  };
}

function describeError(error) {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), stack: '' };
  const { name, message, stack, hint, code } = error;
  const isGantry = Object.getOwnPropertySymbols(error).includes(Symbol.for('gantry.error'));
  const text = (value) => typeof value === 'string' ? value : undefined;
  return { name: String(name), message: String(message), stack: String(stack), hint: text(hint), code: text(code), isGantry };
}

function exportNamesOf(app, module) {
  return Object.keys(module).filter((name) => module[name]?.[Symbol.for('gantry.registration')] === app);
}

function tellIgnored({ request, rule, paths }) {
  try {
    const kept = globalThis[Symbol.for('gantry.ignores')][rule];
    const ignored = paths.map((path) => kept.matches(path));
    process.send({ request, ignored, prunes: kept.prunes });
  } catch (error) {
    process.send({ request, error: describeError(error) });
  }
}

let answered = false;
function answer(message) {
  if (answered) return;
  answered = true;
  process.send(message);
}

process.on('uncaughtException', (error) => answer({ error: describeError(error) }));
process.once('message', async ({ url, secrets }) => {
  try {
    const module = await import(url);
    const registered = globalThis[Symbol.for('gantry.apps')] ?? [];
    const apps = registered.map((app) => ({
      name: app.name,
      description: app.description,
      exportNames: exportNamesOf(app, module),
      functions: app.functions.map(describeUnit),
      entrypoints: app.entrypoints.map(({ name, site }) => ({ name, site })),
    }));
    // Serialised here, because reading a registration may run the user's constructors.
    const registrations = JSON.parse(JSON.stringify({ apps, images }));
    if (secrets === undefined) {
      answer(registrations);
      return process.on('message', tellIgnored);
    }
    // Only now, because secrets get their indexes while they are serialised.
    const readers = globalThis[Symbol.for('gantry.inlineSecrets')] ?? [];
    const known = secrets.filter((index) => readers[index]);
    const values = Object.fromEntries(known.map((index) => [index, readers[index]()]));
    answer({ secrets: values, files: globalThis[Symbol.for('gantry.readFiles')] ?? [] });
  } catch (error) {
    answer({ error: describeError(error) });
  }
});
`;
