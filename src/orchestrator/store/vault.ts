/** Encryption at rest: AES-256-GCM with a key of the data folder's own. */
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import type { Vault } from '../gateways/ports.ts';
import { storeError } from './errors.ts';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Reads the key file, or makes it (mode 0600) when there is none. Throws ECHO_STORE_KEY when it is no key. */
export function openVault(keyFile: string): Vault {
  const key = readKey(keyFile);
  return {
    seal(plain) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64');
    },
    open(sealed) {
      const bytes = Buffer.from(sealed, 'base64');
      try {
        const nonce = bytes.subarray(0, NONCE_BYTES);
        const tag = bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
        const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
        decipher.setAuthTag(tag);
        const body = bytes.subarray(NONCE_BYTES + TAG_BYTES);
        return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
      } catch (cause) {
        throw storeError('ECHO_STORE_KEY', { where: keyFile, cause });
      }
    },
    derive: (purpose) => createHmac('sha256', key).update(purpose).digest('base64url'),
  };
}

function readKey(keyFile: string): Buffer {
  try {
    // `wx` never replaces a key that is there.
    writeFileSync(keyFile, randomBytes(KEY_BYTES), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const key = readFileSync(keyFile);
  if (key.length !== KEY_BYTES) {
    throw storeError('ECHO_STORE_KEY', {
      message: `${keyFile} holds ${key.length} bytes; a key has ${KEY_BYTES}.`,
      where: keyFile,
    });
  }
  return key;
}
