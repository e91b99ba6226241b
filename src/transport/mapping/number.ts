import { StudioError } from '../../errors.ts';

/** Versions travel as 64 bits and are numbers inside. Throws FIELD_INVALID for what a number can't hold exactly. */
export function numberOf(value: bigint, field: string): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new StudioError('FIELD_INVALID', `${field} must be a whole number of at most 2^53 - 1.`, {
    field,
    rule: 'uint64.lte',
  });
}
