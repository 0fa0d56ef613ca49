import { useSyncExternalStore, type AnchorHTMLAttributes, type MouseEvent } from 'react';

import { readRoute, type Route } from './routes.ts';

const listeners = new Set<() => void>();

/** Goes to another page of the dashboard without loading it anew. */
export function navigate(to: string, { replace = false } = {}): void {
  if (replace) history.replaceState(null, '', to);
  else history.pushState(null, '', to);
  for (const listener of listeners) listener();
}

/** What the address shows now. */
export function useRoute(): Route {
  const address = useSyncExternalStore(subscribe, () => location.pathname + location.search);
  const { pathname, search } = new URL(address, location.origin);
  return readRoute(pathname, search);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  addEventListener('popstate', listener);
  return () => {
    listeners.delete(listener);
    removeEventListener('popstate', listener);
  };
}

type LinkProps = AnchorHTMLAttributes<HTMLAnchorElement> & { href: string };

/** A link within the dashboard. */
export function Link({ href, ...rest }: LinkProps) {
  const follow = (event: MouseEvent) => {
    const isOwn = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!isOwn || event.defaultPrevented) return;
    event.preventDefault();
    navigate(href);
    scrollTo(0, 0);
  };
  return <a {...rest} href={href} onClick={follow} />;
}
