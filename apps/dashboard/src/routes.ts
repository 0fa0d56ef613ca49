/** What an address shows. */
export type Route =
  | { page: 'apps'; workspace: string | undefined; environment: string | undefined }
  | {
      page: 'app';
      workspace: string | undefined;
      app: string;
      environment: string | undefined;
      tab: Tab;
    }
  | { page: 'signIn' };

export const TABS = ['overview', 'logs', 'containers', 'versions'] as const;
export type Tab = (typeof TABS)[number];

/** Reads `/apps`, `/apps/<workspace>/<environment>`, `/apps/<workspace>/<environment>/<app>` and `/apps/ap-…`. */
export function readRoute(pathname: string, search: string): Route {
  const [first, ...rest] = pathname.split('/').filter(Boolean).map(decode);
  if (first === 'sign-in') return { page: 'signIn' };
  const [one, environment, app] = rest;
  const wanted = new URLSearchParams(search).get('tab');
  const tab = TABS.find((each) => each === wanted) ?? 'overview';
  if (one?.startsWith('ap-') && environment === undefined) {
    return { page: 'app', workspace: undefined, app: one, environment: undefined, tab };
  }
  if (app !== undefined) return { page: 'app', workspace: one, app, environment, tab };
  return { page: 'apps', workspace: one, environment };
}

export function appsPath(workspace: string, environment: string): string {
  return `/apps/${encodeURIComponent(workspace)}/${encodeURIComponent(environment)}`;
}

/** A place in the dashboard to go to after signing in; anything else is the list of apps. */
export function safeTarget(text: string | null): string {
  return text !== null && /^\/apps(\/[^\\]*)?$/.test(text) ? text : '/apps';
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
