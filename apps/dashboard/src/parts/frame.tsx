import type { ReactNode } from 'react';

import { signOut } from '../access/session.ts';
import { Link, navigate } from '../navigation.tsx';
import { appsPath } from '../routes.ts';
import type { EnvironmentSummary } from '@gantry/protocol';
import mark from '../mark.svg';

interface FrameProps {
  workspace: string | undefined;
  environment: string | undefined;
  environments: readonly EnvironmentSummary[];
  children: ReactNode;
}

/** What is around every page: where one is, and the way out. */
export function Frame({ workspace, environment, environments, children }: FrameProps) {
  return (
    <>
      <a className="skip" href="#content">
        Skip to the content
      </a>
      <header className="top">
        <Link href="/apps" className="brand">
          <img src={mark} alt="" width="26" height="26" />
          Gantry
        </Link>
        {workspace !== undefined && environment !== undefined && (
          <label className="environment">
            <span className="faint">{workspace} /</span>
            <span className="hidden-label">Environment</span>
            <select
              value={environment}
              onChange={(event) => navigate(appsPath(workspace, event.target.value))}
            >
              {namesWith(environments, environment).map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
        )}
        <button type="button" className="quiet" onClick={() => void signOut()}>
          Sign out
        </button>
      </header>
      <main id="content">{children}</main>
    </>
  );
}

function namesWith(environments: readonly EnvironmentSummary[], one: string): string[] {
  return [...new Set([...environments.map(({ name }) => name), one])].sort();
}
