import { StudioError } from '../errors.ts';
import { LABEL_KEY_CHARACTERS_MAX, LABEL_VALUE_CHARACTERS_MAX, LABELS_MAX } from '../limits.ts';

/** G7: refuses more or longer labels than a head should carry. */
export function requireLabels(labels: Readonly<Record<string, string>>): void {
  const entries = Object.entries(labels);
  const fits = entries.every(
    ([key, value]) =>
      key !== '' && key.length <= LABEL_KEY_CHARACTERS_MAX && value.length <= LABEL_VALUE_CHARACTERS_MAX,
  );
  if (fits && entries.length <= LABELS_MAX) return;
  throw new StudioError(
    'FIELD_INVALID',
    `At most ${LABELS_MAX} labels, keys of 1 to ${LABEL_KEY_CHARACTERS_MAX} and values of up to ${LABEL_VALUE_CHARACTERS_MAX} characters.`,
    { field: 'labels' },
  );
}
