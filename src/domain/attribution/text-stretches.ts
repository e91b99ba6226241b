/** The visible characters of one shared text, by the version that wrote them. */
import * as Y from 'yjs';
import { isHigh, isLow } from '../edit/surrogates.ts';
import type { Origins } from './origins.ts';
import type { SharedType } from './ranges.ts';

export interface TextStretch {
  readonly version: number;
  /** Code points. */
  readonly length: number;
}

/** In order; neighbours may be of the same version. */
export function* textStretches(type: SharedType, origins: Origins): Generator<TextStretch> {
  let before = 0;
  for (let item = type._start; item !== null; item = item.right) {
    if (item.deleted || !(item.content instanceof Y.ContentString)) continue;
    const { client, clock } = item.id;
    const text = item.content.str;
    for (let at = 0; at < text.length;) {
      const origin = origins.at(client, clock + at);
      const end = Math.min(text.length, origin.end - clock);
      let length = 0;
      for (; at < end; at++) {
        const code = text.charCodeAt(at);
        // The second half of a pair belongs to whoever wrote the first.
        if (!(isLow(code) && isHigh(before))) length += 1;
        before = code;
      }
      if (length > 0) yield { version: origin.version, length };
    }
  }
}
