/** Bounded reading and writing of the fields frames and records are made of; big-endian. */

/** Numbers on the wire are 48-bit: sequences, times in ms, epochs, counters. */
export const MAX_U48 = 2 ** 48 - 1;
const MAX_TEXT_BYTES = 1024;

/** The same bytes; nothing is copied. */
export const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Reads forward; past the end or past a limit it sets `failed` and yields zeros, so callers check once. */
export class Reader {
  readonly #buffer: Buffer;
  #at: number;
  #failed = false;
  #lastText: { readonly bytes: Buffer; readonly text: string } | undefined;

  constructor(bytes: Uint8Array, at = 0) {
    this.#buffer = asBuffer(bytes);
    this.#at = at;
  }

  get failed(): boolean {
    return this.#failed;
  }

  get left(): number {
    return this.#buffer.length - this.#at;
  }

  u8(): number {
    return this.#take(1) ? this.#buffer.readUInt8(this.#at - 1) : 0;
  }

  u16(): number {
    return this.#take(2) ? this.#buffer.readUInt16BE(this.#at - 2) : 0;
  }

  u32(): number {
    return this.#take(4) ? this.#buffer.readUInt32BE(this.#at - 4) : 0;
  }

  u48(): number {
    return this.#take(6) ? this.#buffer.readUIntBE(this.#at - 6, 6) : 0;
  }

  /** A safe integer of 53 bits in 8 bytes. */
  u53(): number {
    if (!this.#take(8)) return 0;
    const high = this.#buffer.readUInt32BE(this.#at - 8);
    if (high > 0x1f_ffff) this.#failed = true;
    return this.#failed ? 0 : high * 0x1_0000_0000 + this.#buffer.readUInt32BE(this.#at - 4);
  }

  text(): string {
    const length = this.u16();
    if (length > MAX_TEXT_BYTES || !this.#take(length)) {
      this.#failed = true;
      return '';
    }
    const bytes = this.#buffer.subarray(this.#at - length, this.#at);
    if (this.#lastText?.bytes.equals(bytes)) return this.#lastText.text;
    const text = bytes.toString('utf8');
    this.#lastText = { bytes, text };
    return text;
  }

  bytes(length: number): Buffer {
    return this.#take(length) ? this.#buffer.subarray(this.#at - length, this.#at) : Buffer.alloc(0);
  }

  rest(): Buffer {
    return this.bytes(this.left);
  }

  #take(length: number): boolean {
    if (this.#failed || length > this.left) this.#failed = true;
    else this.#at += length;
    return !this.#failed;
  }
}

/** Writes forward into a buffer whose size the caller computed. */
export class Writer {
  readonly buffer: Buffer;
  #at = 0;

  constructor(size: number) {
    this.buffer = Buffer.allocUnsafe(size);
  }

  u8(value: number): this {
    this.#at = this.buffer.writeUInt8(value, this.#at);
    return this;
  }

  u16(value: number): this {
    this.#at = this.buffer.writeUInt16BE(value, this.#at);
    return this;
  }

  u32(value: number): this {
    this.#at = this.buffer.writeUInt32BE(value, this.#at);
    return this;
  }

  u48(value: number): this {
    this.#at = this.buffer.writeUIntBE(value, this.#at, 6);
    return this;
  }

  u53(value: number): this {
    return this.u32(Math.floor(value / 0x1_0000_0000)).u32(value >>> 0);
  }

  text(value: string): this {
    const length = this.buffer.write(value, this.#at + 2);
    this.u16(length);
    this.#at += length;
    return this;
  }

  /** Without its length. */
  utf8(value: string): this {
    this.#at += this.buffer.write(value, this.#at);
    return this;
  }

  bytes(value: Uint8Array): this {
    this.buffer.set(value, this.#at);
    this.#at += value.length;
    return this;
  }
}

/** Bytes `Writer.text` needs. */
export const textSize = (value: string): number => 2 + Buffer.byteLength(value);
