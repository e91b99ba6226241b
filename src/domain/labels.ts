import { StudioError } from '../errors.ts';
import { LABEL_KEY_CHARACTERS_MAX, LABEL_VALUE_CHARACTERS_MAX, LABELS_MAX } from '../limits.ts';

/** Of no use in a name, and of much harm where one is shown or stored. */
const CONTROL = /\p{Cc}/u;

/** G7: refuses more or longer labels than a head should carry, and keys that are no names. */
export function requireLabels(labels: Readonly<Record<string, string>>): void {
  const entries = Object.entries(labels);
  const fits = entries.every(
    ([key, value]) =>
      key !== '' &&
      !CONTROL.test(key) &&
      characters(key) <= LABEL_KEY_CHARACTERS_MAX &&
      characters(value) <= LABEL_VALUE_CHARACTERS_MAX,
  );
  if (fits && entries.length <= LABELS_MAX) return;
  throw new StudioError(
    'FIELD_INVALID',
    `At most ${LABELS_MAX} labels, keys of 1 to ${LABEL_KEY_CHARACTERS_MAX} characters, none of them a control character, and values of up to ${LABEL_VALUE_CHARACTERS_MAX} characters.`,
    { field: 'labels' },
  );
}

/** As the rules of the contract count them: an emoji is one. */
function characters(text: string): number {
  return [...text].length;
}
