/** The workflow bundle: prebuilt beside the compiled code, or made from source when there is none, once for each state of the source. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';
import type { BundleOptions, Logger as TemporalLogger, WorkflowBundleOption } from '@temporalio/worker';
import { cachedBundle } from './bundle-cache.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const prebuilt = join(root, 'workflow-bundle.js');
/** The packages count by the versions that are asked for. */
const sources = ['workflows', 'domain', 'worker/bundle.ts', 'package.json'];
const folder = join(root, 'node_modules', '.cache', 'usher', 'bundles');

/**
 * What the worker runs: the prebuilt bundle of a release, or that of the source as it is.
 *
 * @param given a file to be used instead
 */
export async function workflowBundle(logger?: TemporalLogger, given?: string): Promise<WorkflowBundleOption> {
  if (given !== undefined) return { codePath: given };
  if (existsSync(prebuilt)) return { codePath: prebuilt };
  return { codePath: await cachedBundle({ root, sources, folder }, () => makeBundle(logger)) };
}

/** Bundles `workflows/` with what it imports. */
export async function makeBundle(logger?: TemporalLogger): Promise<{ code: string }> {
  const extension = existsSync(join(root, 'workflows', 'index.ts')) ? 'ts' : 'js';
  const module = (name: string): string => join(root, 'workflows', `${name}.${extension}`);
  const { code } = await bundleWorkflowCode({
    workflowsPath: module('index'),
    preloadModules: [module('preload')],
    webpackConfigHook: forThisNode,
    ...(logger === undefined ? {} : { logger }),
  });
  return { code: withoutSources(code) };
}

/** The SDK's own target is older than any Node it runs on: spread and fields would become calls of helpers. */
function forThisNode(config: WebpackConfig): WebpackConfig {
  for (const rule of config.module?.rules ?? []) {
    const use: unknown = typeof rule === 'object' && rule !== null ? rule.use : undefined;
    if (isSwc(use)) use.options.jsc.target = 'es2022';
  }
  return config;
}

type WebpackConfig = Parameters<NonNullable<BundleOptions['webpackConfigHook']>>[0];

interface Swc {
  readonly options: { readonly jsc: { target: string } };
}
const isSwc = (use: unknown): use is Swc =>
  typeof use === 'object' && use !== null && 'loader' in use && typeof use.loader === 'string' && use.loader.includes('swc-loader');

const mapMark = '//# sourceMappingURL=data:application/json;charset=utf-8;base64,';

/** Stack traces need to know the places, not the text: the sources are half of the bundle, and every worker would hold them. */
function withoutSources(code: string): string {
  const at = code.lastIndexOf(mapMark);
  if (at === -1) return code;
  const map: unknown = JSON.parse(Buffer.from(code.slice(at + mapMark.length), 'base64').toString());
  const places = { ...(typeof map === 'object' ? map : {}), sourcesContent: [] };
  return `${code.slice(0, at)}${mapMark}${Buffer.from(JSON.stringify(places)).toString('base64')}`;
}

if (process.argv[1] !== undefined && import.meta.filename === process.argv[1]) {
  const target = process.argv[2] ?? join('dist', 'workflow-bundle.js');
  const { code } = await makeBundle();
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, code);
}
