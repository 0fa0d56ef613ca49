import { type Context, Hono } from 'hono';

import { DashboardFiles } from '../browser/dashboard-files.ts';

// Nothing but what comes from this server itself, no markup from text, and no frame around it.
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const HEADERS = {
  'content-security-policy': POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

const PAGES = ['/apps', '/apps/*', '/sign-in'];
const FOR_GOOD = 'public, max-age=31536000, immutable';

const NOT_BUILT = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Gantry</title>
<h1>The dashboard is not built</h1>
<p>The platform itself works, and so does the command line. Run <code>npm run build</code> in the Gantry repository, then load this page again.</p>
</html>
`;

/** The pages of the dashboard: one document, whose script reads the address. They hold no data, so they need no token. */
export function dashboardRoutes(folder: string | undefined): Hono {
  const files = new DashboardFiles(folder);
  const page = async (context: Context): Promise<Response> => {
    const file = await files.find('index.html');
    if (!file) return context.html(NOT_BUILT, 503, { ...HEADERS, 'cache-control': 'no-store' });
    return answer(context, file, 'no-cache');
  };
  const routes = new Hono().get('/', (context) => context.redirect('/apps'));
  for (const path of PAGES) routes.get(path, page);
  return routes.get('/assets/:name', async (context) => {
    const file = await files.find(`assets/${context.req.param('name')}`);
    return file ? answer(context, file, FOR_GOOD) : context.notFound();
  });
}

function answer(
  context: Context,
  { type, bytes, zipped }: NonNullable<Awaited<ReturnType<DashboardFiles['find']>>>,
  cacheControl: string,
): Response {
  const isZipped = /\bgzip\b/.test(context.req.header('accept-encoding') ?? '');
  const headers = {
    ...HEADERS,
    'content-type': type,
    'cache-control': cacheControl,
    vary: 'accept-encoding',
    ...(isZipped && { 'content-encoding': 'gzip' }),
  };
  return context.body(isZipped ? zipped : bytes, 200, headers);
}
