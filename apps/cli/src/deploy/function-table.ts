import type { DeployReply, Manifest } from '@gantry/protocol';

import type { Style } from '../terminal/style.ts';
import { toTable } from '../terminal/table.ts';
import { mountedPaths, mountedText } from './mounted-paths.ts';

/** The functions of a deployment and their web addresses; with the manifest, those at domains of their own, too. */
export function deployedTable(reply: DeployReply, style: Style, manifest?: Manifest): string[] {
  const rows = reply.functions.flatMap((each) => {
    const urls = Object.entries(each.urls).flatMap(([method, url]) =>
      [url, ...urlsAtDomains({ name: each.name, method, url }, manifest)].map(
        (one) => [method, one] as const,
      ),
    );
    const first = { name: each.name, kind: each.kind, url: '' };
    if (urls.length === 0) return [first];
    return urls.map(([method, url], at) => ({
      name: at === 0 ? each.name : '',
      kind: at === 0 ? each.kind : '',
      url: each.kind === 'class' ? `${url} ${style.dim(`(${method})`)}` : url,
    }));
  });
  const hasUrls = rows.some((row) => row.url !== '');
  const columns = [
    { title: 'function', cell: (row: (typeof rows)[number]) => style.bold(row.name) },
    { title: 'kind', cell: (row: (typeof rows)[number]) => row.kind },
    ...(hasUrls ? [{ title: 'url', cell: (row: (typeof rows)[number]) => style.cyan(row.url) }] : []),
  ];
  return toTable(columns, rows, style);
}

/** With the path of each endpoint that has one: `https://…/items/:id`. Without it nothing answers there. */
export function withPaths(reply: DeployReply, manifest: Manifest): DeployReply {
  const functions = reply.functions.map((each) => {
    const methods = manifest.functions.find(({ name }) => name === each.name)?.methods ?? [];
    const urls = Object.entries(each.urls).map(([method, url]) => {
      const web = methods.find(({ name }) => name === method)?.web;
      const path = web?.type === 'endpoint' ? web.path : undefined;
      return [method, path === undefined ? url : url.replace(/\/$/, '') + path];
    });
    return { ...each, urls: Object.fromEntries(urls) as Record<string, string> };
  });
  return { ...reply, functions };
}

/** The same address at each domain that the method is to have; `*` stands for all of a level. */
function urlsAtDomains(
  { name, method, url }: { name: string; method: string; url: string },
  manifest: Manifest | undefined,
): string[] {
  const methods = manifest?.functions.find((each) => each.name === name)?.methods ?? [];
  const domains = methods.find((each) => each.name === method)?.web?.customDomains ?? [];
  const { hostname } = new URL(url);
  return domains.map((domain) => url.replace(hostname, domain));
}

/** A version of an app. */
export interface Version {
  reply: DeployReply;
  manifest: Manifest;
}

/** What another version has at other addresses, and of local paths, more or less than the one before. */
export function changeTexts(before: Version, after: Version): string[] {
  const old = new Set(contentsOf(before));
  const now = new Set(contentsOf(after));
  const gone = [...old].filter((text) => !now.has(text)).map((text) => `- ${text}`);
  return [...gone, ...[...now].filter((text) => !old.has(text)).map((text) => `+ ${text}`)];
}

function contentsOf({ reply, manifest }: Version): string[] {
  return [...reply.functions.flatMap(addressed), ...mountedPaths(manifest).map(mountedText)];
}

function addressed({ name, kind, urls }: DeployReply['functions'][number]): string[] {
  const entries = Object.entries(urls);
  if (entries.length === 0) return [name];
  return entries.map(([method, url]) => `${kind === 'class' ? `${name}.${method}` : name}  ${url}`);
}

/** What somebody should know who deployed a part of an app by mistake; empty if nothing is gone. */
export function removedText({ removed = [] }: DeployReply): string {
  return removed.length === 0 ? '' : `Removed: ${removed.join(', ')} (the version before had them)`;
}

/** The functions of a build. */
export function builtTable(manifest: Manifest, style: Style): string[] {
  const rows = manifest.functions.flatMap((spec) =>
    spec.methods.map((method) => ({
      name: spec.kind === 'class' ? `${spec.name}.${method.name}` : spec.name,
      kind: spec.kind,
      web: method.web?.type === 'endpoint' ? method.web.method : (method.web?.type ?? ''),
      site: `${method.site.file}:${method.site.line}`,
    })),
  );
  const entrypoints = manifest.entrypoints.map((each) => ({
    name: each.name,
    kind: 'entrypoint',
    web: '',
    site: `${each.site.file}:${each.site.line}`,
  }));
  return toTable(
    [
      { title: 'name', cell: (row) => style.bold(row.name) },
      { title: 'kind', cell: (row) => row.kind },
      { title: 'web', cell: (row) => row.web },
      { title: 'source', cell: (row) => style.dim(row.site) },
    ],
    [...rows, ...entrypoints],
    style,
  );
}
