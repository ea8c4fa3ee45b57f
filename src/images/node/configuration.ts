/** Where this user's settings and cache are, and what the settings say about images. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { ImageError } from '../errors.ts';
import { errorCode, fileError } from './file-errors.ts';

export interface Configuration {
  /** Address of a Debian mirror. */
  readonly mirror?: string;
  /** Path of an OpenPGP keyring to trust instead of Debian's keys. */
  readonly keyring?: string;
  /** Path of the cache folder. */
  readonly cache?: string;
}

const Keys = ['mirror', 'keyring', 'cache'] as const;

/** The XDG base directory specification wants relative values ignored. */
function baseFolder(value: string | undefined, fallback: string): string {
  return value !== undefined && isAbsolute(value) ? value : join(homedir(), fallback);
}

/** $XDG_CONFIG_HOME/hostrock/config.json */
export function configurationPath(environment: NodeJS.ProcessEnv = process.env): string {
  return join(baseFolder(environment.XDG_CONFIG_HOME, '.config'), 'hostrock', 'config.json');
}

/**
 * The settings file; empty when there is none. Other keys are left to other parts.
 *
 * @throws ImageError `format` when it is no JSON object or a setting is not text; `permission`, `io`
 */
export async function readConfiguration(environment: NodeJS.ProcessEnv = process.env): Promise<Configuration> {
  const path = configurationPath(environment);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return {};
    throw fileError(error, 'read', path);
  }
  let settings: unknown;
  try {
    settings = JSON.parse(text);
  } catch (cause) {
    throw new ImageError('format', `${path}: not JSON`, { cause });
  }
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings)) {
    throw new ImageError('format', `${path}: not a JSON object`);
  }
  const given = settings as Record<string, unknown>;
  const wrong = Keys.find((key) => given[key] !== undefined && typeof given[key] !== 'string');
  if (wrong !== undefined) throw new ImageError('format', `${path}: "${wrong}" is not text`);
  return given as Configuration;
}

/** HOSTROCK_CACHE, the settings file's "cache", or $XDG_CACHE_HOME/hostrock. */
export function cachePath(configuration: Configuration, environment: NodeJS.ProcessEnv = process.env): string {
  const { HOSTROCK_CACHE, XDG_CACHE_HOME } = environment;
  if (HOSTROCK_CACHE !== undefined && HOSTROCK_CACHE !== '') return HOSTROCK_CACHE;
  return configuration.cache ?? join(baseFolder(XDG_CACHE_HOME, '.cache'), 'hostrock');
}
