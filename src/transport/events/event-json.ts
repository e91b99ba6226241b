import { StudioError } from '../../errors.ts';
import type { EventType, WatchedEvent } from '../../events/contract.ts';

const EVENT_TYPES: readonly EventType[] = ['blob.created', 'blob.updated', 'blob.deleted', 'delta.applied'];

export function readEventTypes(names: readonly string[]): EventType[] {
  return names.map((name) => {
    const type = EVENT_TYPES.find((known) => known === name);
    if (!type)
      throw new StudioError('FIELD_INVALID', `type must be one of ${EVENT_TYPES.join(', ')}.`, { field: 'type' });
    return type;
  });
}

/** An event as plain JSON: names as in the proto's JSON, `version` a number, `time` in RFC 3339. */
export function eventJson({ owner: _owner, time, ...rest }: WatchedEvent): Record<string, unknown> {
  return { ...rest, time: time.toISOString() };
}
