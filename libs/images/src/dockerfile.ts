import type { ImageConfig } from '@gantry/protocol';

/** A Dockerfile that goes on from an image, with what that says about processes. */
export function dockerfileOn(image: string, config: ImageConfig, text: string): string {
  const lines = [`FROM ${image}`, 'USER root'];
  for (const [name, value] of Object.entries(config.env)) lines.push(`ENV ${name}=${quoted(value)}`);
  if (config.workdir !== undefined) lines.push(`WORKDIR ${config.workdir}`);
  if (config.shell) lines.push(`SHELL ${JSON.stringify(config.shell)}`);
  if (config.entrypoint) lines.push(`ENTRYPOINT ${JSON.stringify(config.entrypoint)}`);
  if (config.cmd) lines.push(`CMD ${JSON.stringify(config.cmd)}`);
  return `${[...lines, text].join('\n')}\n`;
}

function quoted(value: string): string {
  return `"${value.replace(/[\\"$]/g, '\\$&')}"`;
}
