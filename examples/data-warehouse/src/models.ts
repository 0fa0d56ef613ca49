import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A table of the warehouse, as a file of `models/` says it. */
export interface Model {
  name: string;
  /** The first comment of the file. */
  about: string;
  /** Models that it is made from. */
  refs: string[];
  sql: string;
}

/** Tables of raw data, by name: what `{{ source('trips') }}` stands for. */
export type Sources = Readonly<Record<string, string>>;

export async function readModels(folder: string): Promise<Model[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (name) =>
      parseModel(name.slice(0, -'.sql'.length), await readFile(join(folder, name), 'utf8')),
    ),
  );
}

export function parseModel(name: string, sql: string): Model {
  const about = /^--\s*(.+)$/m.exec(sql)?.[1] ?? '';
  const refs = Array.from(sql.matchAll(/\{\{\s*ref\('(\w+)'\)\s*\}\}/g), ([, ref = '']) => ref);
  return { name, about, refs: [...new Set(refs)], sql };
}

/** The models, each after those that it is made from. */
export function inOrder(models: readonly Model[]): Model[] {
  const known = new Map(models.map((model) => [model.name, model]));
  const ordered = new Set<Model>();
  const visit = (model: Model, path: readonly string[]): void => {
    if (path.includes(model.name))
      throw new Error(`models go in a circle: ${[...path, model.name].join(' → ')}`);
    for (const ref of model.refs) {
      const other = known.get(ref);
      if (!other) throw new Error(`model "${model.name}" is made from "${ref}", which there is not`);
      visit(other, [...path, model.name]);
    }
    ordered.add(model);
  };
  for (const model of models) visit(model, []);
  return [...ordered];
}

/** The query, with tables for its references. */
export function compiled(model: Model, sources: Sources): string {
  return model.sql
    .replace(/\{\{\s*ref\('(\w+)'\)\s*\}\}/g, '$1')
    .replace(/\{\{\s*source\('(\w+)'\)\s*\}\}/g, (_, name: string) => {
      const table = sources[name];
      if (table === undefined) throw new Error(`model "${model.name}" reads "${name}", which is no source`);
      return table;
    });
}
