import type { WebSpec } from '@gantry/protocol';
import { afterEach, describe, expect, it } from 'vitest';

import { App } from './app.ts';
import { method } from './member-decorators.ts';
import type { EndpointOptions } from './options.ts';
import { registeredApps } from './registry.ts';
import { asgiApp, fastapiEndpoint, webServer, wsgiApp } from './web-decorators.ts';

afterEach(() => {
  registeredApps().length = 0;
});

const site = { fetch: () => new Response('hello') };

describe('web functions', () => {
  it('say what they are: an endpoint, an app of either style, a program at a port', () => {
    const app = new App('sites');
    app.function(
      { name: 'endpoint' },
      fastapiEndpoint({ method: 'POST', label: 'pay' }, () => 1),
    );
    app.function(
      { name: 'sourced' },
      fastapiEndpoint({ method: 'PUT', path: '/a/:id', headers: { key: 'X-Key' }, form: true }, () => 1),
    );
    app.function(
      { name: 'fetch' },
      asgiApp({ requiresProxyAuth: true, customDomains: ['*.example.com'] }, () => site),
    );
    app.function(
      { name: 'listener' },
      wsgiApp({ label: 'shop' }, () => () => undefined),
    );
    app.function(
      { name: 'program' },
      webServer(8000, { startupTimeoutMs: 900 }, () => undefined),
    );

    const webs = registeredApps()[0]?.functions.map((one) => one.kind === 'function' && one.web);
    expect(webs).toEqual<WebSpec[]>([
      { type: 'endpoint', method: 'POST', docs: false, label: 'pay' },
      {
        type: 'endpoint',
        method: 'PUT',
        docs: false,
        path: '/a/:id',
        headers: { key: 'X-Key' },
        form: true,
      },
      { type: 'asgi', requiresProxyAuth: true, customDomains: ['*.example.com'] },
      { type: 'wsgi', label: 'shop' },
      { type: 'server', port: 8000, startupTimeoutMs: 900 },
    ]);
  });

  it.each<[options: EndpointOptions, message: string]>([
    [{ path: 'items' }, 'the path "items" cannot be'],
    [{ path: '/items/' }, 'the path "/items/" cannot be'],
    [{ path: '/a/:id/b/:id' }, 'names ":id" twice'],
    [{ path: '/docs', docs: true }, 'its documentation is at "/docs"'],
    [{ headers: { token: 'X Token' } }, '"X Token", for "token", is no name of a header'],
    [{ form: true }, 'a GET request has no form'],
  ])('are refused with %j', (options, message) => {
    expect(() => fastapiEndpoint(options, () => 1)).toThrow(message);
  });

  it('may be methods of a class, which nobody calls then', () => {
    const app = new App('sites');
    @app.cls()
    class Site {
      @asgiApp() open() {
        return site;
      }
      @webServer(8080) start() {
        return undefined;
      }
    }

    const registered = registeredApps()[0]?.functions[0];
    expect(Site).toBeDefined();
    expect(registered?.kind === 'class' && registered.methods).toEqual([
      { name: 'open', callable: false, web: { type: 'asgi' } },
      { name: 'start', callable: false, web: { type: 'server', port: 8080, startupTimeoutMs: 5_000 } },
    ]);
  });

  it.each<[what: string, define: () => unknown, message: string]>([
    ['an unknown HTTP method', () => fastapiEndpoint({ method: 'HEAD' as never }), '"HEAD" is not supported'],
    ['a label with an underscore', () => asgiApp({ label: 'my_label' }), 'no host name label'],
    ['what is no domain', () => asgiApp({ customDomains: ['Example.com'] }), '"Example.com" is no domain'],
    ['no list of domains', () => asgiApp({ customDomains: 'a.com' as never }), 'must be a list'],
    ['a domain twice', () => asgiApp({ customDomains: ['a.com', 'a.com'] }), 'names a domain twice'],
    ['a label with capitals', () => asgiApp({ label: 'My_Label' }), 'no host name label'],
    ['an unknown option', () => wsgiApp({ docs: true } as never), 'there is no option "docs"'],
    ['a port out of range', () => webServer(70_000), 'port must be a whole number from 1 to 65535'],
    ['no time to start', () => webServer(80, { startupTimeoutMs: 0 }), 'must be a number from 1 to 3600000'],
    ['no parentheses', () => (asgiApp as (fn: unknown) => unknown)(() => site), 'lacks its parentheses'],
  ])('refuse %s', (_what, define, message) => {
    expect(define).toThrow(message);
  });

  it('are one kind each, and no remote methods', () => {
    const both = () => {
      class Site {
        @asgiApp() @wsgiApp() open(): never {
          throw new Error('not called');
        }
      }
      return Site;
    };
    const called = () => {
      class Site {
        @method() @asgiApp() open() {
          return site;
        }
      }
      return Site;
    };
    expect(both).toThrow('carries both @wsgiApp and @asgiApp');
    expect(called).toThrow('carries @method together with @asgiApp');
  });
});
