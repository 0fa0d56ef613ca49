import { useState } from 'react';

import { api } from './access/api.ts';
import { useSessionKey } from './access/session.ts';
import { usePolled } from './access/use-polled.ts';
import { Link, useRoute } from './navigation.tsx';
import { AppPage } from './pages/app-page.tsx';
import { AppsPage } from './pages/apps-page.tsx';
import { SignInPage } from './pages/sign-in-page.tsx';
import { Frame } from './parts/frame.tsx';
import { ErrorNote } from './parts/notes.tsx';
import type { Route } from './routes.ts';

const EVERY_MS = 15_000;

/** The page that the address asks for, or the way to sign in. */
export function Dashboard() {
  const route = useRoute();
  const key = useSessionKey();
  if (route.page === 'signIn') return <SignInPage isLink />;
  return key === undefined ? <SignInPage isLink={false} /> : <SignedIn key={key} route={route} />;
}

function OtherWorkspace({ wanted, workspace }: { wanted: string; workspace: string }) {
  return (
    <Frame workspace={undefined} environment={undefined} environments={[]}>
      <h1>Another workspace</h1>
      <p>
        The address belongs to the workspace “{wanted}”; this server has “{workspace}”.{' '}
        <Link href="/apps">Its apps</Link>
      </p>
    </Frame>
  );
}

type ShownRoute = Exclude<Route, { page: 'signIn' }>;

function SignedIn({ route }: { route: ShownRoute }) {
  const hello = usePolled('hello', (signal) => api.hello(signal), EVERY_MS);
  const environments = usePolled('environments', (signal) => api.environments(signal), EVERY_MS);
  const [ofApp, setOfApp] = useState<string>();
  if (!hello.value) {
    return (
      <Frame workspace={undefined} environment={undefined} environments={[]}>
        {hello.error && <ErrorNote error={hello.error} />}
      </Frame>
    );
  }
  const { workspace, environment: usual } = hello.value;
  const isElsewhere = route.workspace !== undefined && route.workspace !== workspace;
  if (isElsewhere) return <OtherWorkspace wanted={route.workspace ?? ''} workspace={workspace} />;
  const environment = route.environment ?? (route.page === 'app' ? ofApp : undefined) ?? usual;
  return (
    <Frame workspace={workspace} environment={environment} environments={environments.value ?? []}>
      {hello.error && <ErrorNote error={hello.error} />}
      <Page route={route} workspace={workspace} environment={environment} onEnvironment={setOfApp} />
    </Frame>
  );
}

interface PageProps {
  route: ShownRoute;
  workspace: string;
  environment: string;
  onEnvironment(environment: string): void;
}

function Page({ route, workspace, environment, onEnvironment }: PageProps) {
  if (route.page === 'apps') return <AppsPage environment={environment} />;
  return <AppPage workspace={workspace} address={route} tab={route.tab} onEnvironment={onEnvironment} />;
}
