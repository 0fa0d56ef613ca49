import { useEffect, useState, type FormEvent } from 'react';

import { ErrorNote } from '../parts/notes.tsx';
import { signIn } from '../access/session.ts';
import { navigate } from '../navigation.tsx';
import { safeTarget } from '../routes.ts';
import mark from '../mark.svg';

/** Asks for a token, or uses the code of a link: `/sign-in#code=…&to=/apps/…`. The part after # is sent to no server. */
export function SignInPage({ isLink }: { isLink: boolean }) {
  const [error, setError] = useState<Error>();
  const [link] = useState(() => (isLink ? takeLink() : undefined));
  const [isBusy, setBusy] = useState(link?.code !== undefined);
  const use = async (request: Parameters<typeof signIn>[0]): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      await signIn(request);
      if (isLink) navigate(link?.to ?? '/apps', { replace: true });
    } catch (failure) {
      setError(failure as Error);
      setBusy(false);
    }
  };
  useEffect(() => {
    if (link?.code !== undefined) void use({ code: link.code });
  }, [link]);
  const onSubmit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    void use({ token: String(new FormData(event.currentTarget).get('token')).trim() });
  };
  return (
    <main className="sign-in">
      <img src={mark} alt="" width="48" height="48" />
      <h1>Sign in to Gantry</h1>
      {error && <ErrorNote error={error} />}
      <form onSubmit={onSubmit}>
        <label htmlFor="token">Token</label>
        <input id="token" name="token" type="password" autoComplete="off" required disabled={isBusy} />
        <button type="submit" disabled={isBusy}>
          {isBusy ? 'Signing in…' : 'Sign in'}
        </button>
      </form>
      <p className="faint">
        Without a token at hand: <code>gantry dashboard</code> prints a link that signs this browser in.
      </p>
    </main>
  );
}

/** Reads the code and takes it out of the address, and so out of the history, before anything else happens. */
function takeLink(): { code: string | undefined; to: string } {
  const parameters = new URLSearchParams(location.hash.slice(1));
  history.replaceState(null, '', '/sign-in');
  return { code: parameters.get('code') ?? undefined, to: safeTarget(parameters.get('to')) };
}
