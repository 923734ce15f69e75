/**
 * The checkpoints of one fragment on disk: entries `[u32 length][u32 crc32][changes]`, each of them one checkpoint, whole
 * or not there. An entry holds the parts that changed since the one before; together they are the last checkpoint.
 */
import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import { crc32 } from 'node:zlib';
import { writeWhole } from '../files.ts';

/** Parts by name; a part is compared and written as bytes. */
export type Parts = ReadonlyMap<string, Buffer>;

/** `undefined`: the part is gone. */
type Changes = readonly (readonly [string, Uint8Array | undefined])[];

const HEADER = 8;
/** The file is written anew when it is this large and four times what it holds. */
const COMPACT_BYTES = 1024 * 1024;
const sync = promisify(fdatasync);

export class CheckpointFile {
  readonly #path: string;
  #parts = new Map<string, Buffer>();
  #fd: number | undefined;
  #size = 0;
  #limit = COMPACT_BYTES;

  /** Takes up what is there; what was torn or damaged from some entry on never counted, as nobody was told of it. */
  constructor(path: string) {
    this.#path = path;
    mkdirSync(dirname(path), { recursive: true });
    for (const { changes, end } of readEntries(path)) {
      this.#apply(changes);
      this.#size = end;
    }
    // What is read may be in memory only; what is done on its word must survive a power cut too.
    if (this.#size > 0) fdatasyncSync(this.#open());
  }

  /** The last checkpoint; empty when there is none. */
  get parts(): Parts {
    return this.#parts;
  }

  get bytes(): number {
    return this.#size;
  }

  /**
   * Makes `parts` the last checkpoint. It survives the death of the process when this returns; a power cut when what it
   * returns resolves, if `durably`. Throws, leaving the checkpoint before, when it cannot be written.
   */
  write(parts: Parts, durably: boolean): Promise<void> | undefined {
    const changes = this.#changesTo(parts);
    if (changes.length === 0) return undefined;
    if (this.#size > this.#limit) this.#writeAnew(parts);
    else this.#append(encodeEntry(changes));
    this.#apply(changes);
    return durably ? sync(this.#open()) : undefined;
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  remove(): void {
    this.close();
    rmSync(this.#path, { force: true });
    this.#parts.clear();
    this.#size = 0;
  }

  #changesTo(parts: Parts): Changes {
    const changes: [string, Uint8Array | undefined][] = [];
    for (const [name, bytes] of parts)
      if (this.#parts.get(name)?.equals(bytes) !== true) changes.push([name, bytes]);
    for (const name of this.#parts.keys()) if (!parts.has(name)) changes.push([name, undefined]);
    return changes;
  }

  #apply(changes: Changes): void {
    for (const [name, bytes] of changes)
      if (bytes === undefined) this.#parts.delete(name);
      else this.#parts.set(name, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }

  /** A torn tail of an earlier process is written over. */
  #append(entry: Buffer): void {
    const fd = this.#open();
    try {
      for (let done = 0; done < entry.length; )
        done += writeSync(fd, entry, done, entry.length - done, this.#size + done);
    } catch (error) {
      ftruncateSync(fd, this.#size);
      throw error;
    }
    this.#size += entry.length;
  }

  #writeAnew(parts: Parts): void {
    const entry = encodeEntry([...parts]);
    this.close();
    writeWhole(this.#path, entry);
    this.#size = entry.length;
    this.#limit = Math.max(COMPACT_BYTES, 4 * entry.length);
  }

  #open(): number {
    if (this.#fd === undefined) {
      this.#fd = openSync(this.#path, openFlags());
      ftruncateSync(this.#fd, this.#size);
    }
    return this.#fd;
  }
}

const openFlags = (): number => constants.O_RDWR | constants.O_CREAT;

function encodeEntry(changes: Changes): Buffer {
  const body = serialize(changes);
  const header = Buffer.allocUnsafe(HEADER);
  header.writeUInt32BE(body.length, 0);
  header.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([header, body]);
}

function* readEntries(path: string): Generator<{ changes: Changes; end: number }> {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  for (let at = 0; at + HEADER <= bytes.length; ) {
    const end = at + HEADER + bytes.readUInt32BE(at);
    const body = bytes.subarray(at + HEADER, end);
    if (end > bytes.length || crc32(body) !== bytes.readUInt32BE(at + 4)) return;
    yield { changes: deserialize(body) as Changes, end };
    at = end;
  }
}
