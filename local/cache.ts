import { homedir, platform } from 'node:os';
import { join } from 'node:path';
import { inherited } from './environment.js';

/** The user's folder for things that can be fetched or built again. */
function userCache(): string {
  const xdg = inherited['XDG_CACHE_HOME'];
  if (xdg !== undefined && xdg !== '') return xdg;
  if (platform() === 'darwin') return join(homedir(), 'Library', 'Caches');
  if (platform() === 'win32') return inherited['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local');
  return join(homedir(), '.cache');
}

/** Where servers that were downloaded or built are kept, shared by all checkouts of one user. */
export const binaryCache = (): string => join(userCache(), 'usher', 'bin');
