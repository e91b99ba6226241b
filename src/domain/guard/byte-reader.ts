/** Reads lib0's encoding from bytes of a stranger: every length is held against what is left before it is used. */
import { malformed } from './refusals.ts';

const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Up to this length a loop beats the decoder. */
const SHORT_BYTES = 32;

export class ByteReader {
  readonly bytes: Uint8Array;
  position = 0;

  constructor(bytes: Uint8Array, position = 0) {
    this.bytes = bytes;
    this.position = position;
  }

  get left(): number {
    return this.bytes.length - this.position;
  }

  uint8(): number {
    const byte = this.bytes[this.position++];
    if (byte === undefined) throw malformed('it ends too early');
    return byte;
  }

  varUint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.uint8();
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER) throw malformed('a number is too large');
      if (byte < 0x80) return value;
      scale *= 128;
      if (scale > 2 ** 56) throw malformed('a number is too long');
    }
  }

  /** Signed: the second highest bit of the first byte is the sign. */
  varInt(): number {
    const first = this.uint8();
    const sign = (first & 0x40) === 0 ? 1 : -1;
    let value = first & 0x3f;
    let scale = 64;
    for (let byte = first; byte >= 0x80; scale *= 128) {
      byte = this.uint8();
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER || scale > 2 ** 56) throw malformed('a number is too large');
    }
    return sign * value;
  }

  /** A count of things that take at least `bytesEach` each. */
  count(bytesEach: number): number {
    const count = this.varUint();
    if (count * bytesEach > this.left) throw malformed('a count is larger than what follows');
    return count;
  }

  skip(length: number): void {
    if (length > this.left) throw malformed('it ends too early');
    this.position += length;
  }

  byteString(): Uint8Array {
    const length = this.varUint();
    const start = this.position;
    this.skip(length);
    return this.bytes.subarray(start, start + length);
  }

  string(): string {
    const length = this.varUint();
    const start = this.position;
    this.skip(length);
    if (length <= SHORT_BYTES) {
      let text = '';
      let index = start;
      for (; index < this.position; index++) {
        const byte = this.bytes[index] as number;
        if (byte >= 0x80) break;
        text += String.fromCharCode(byte);
      }
      if (index === this.position) return text;
    }
    try {
      return DECODER.decode(this.bytes.subarray(start, this.position));
    } catch {
      throw malformed('a string is not UTF-8');
    }
  }
}
